"""The rules, found by file name. Adding one is copying a sibling; `docs/kit-check.md` is generated from them."""
