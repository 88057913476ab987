"""The verbs of the command line, one module each; `options` is what they share.

A new verb: a module of its name here, in which `verb` is its `@click.command(cls=Verb)`
(`show` is a model), and its name in `cli.VERBS`. Heavy libraries are imported where used.
"""
