"""The commands of ``borderlink``, a file each; `gis.cli` lists them."""
