"""What the HTML report is made of: one more walk over the recording, in bounded memory; comparisons; plots.

Importing this package imports neither Jinja2 nor matplotlib; rendering does.
"""
