"""What can be asked of a model beside generating: how likely is a text, what did a prediction rest on."""
