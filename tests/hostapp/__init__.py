"""A host project with a template model of its own, as small as one can be."""
