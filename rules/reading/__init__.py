"""From rule files to rules: everything that is wrong is told with file and line."""
