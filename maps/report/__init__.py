"""The report: page, chapters, charts and figures."""
