// Whoever has pools has the media that they lie on.
@_exported public import PliniusMedia
