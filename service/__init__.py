"""What is watched: the sample shop and the payments service that it depends on."""
