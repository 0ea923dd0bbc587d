"""One file for each family, which names it FAMILY. A file that is put here is loaded, inspected and served."""
