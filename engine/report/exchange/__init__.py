"""A decision in the formats of other systems of assurance: in-toto and OSCAL."""
