"""What `kit up` starts and stops. Processes are run by supervisord; nothing here restarts anything itself."""
