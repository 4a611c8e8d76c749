"""One file or package per outside system, each the only importer of its library."""
