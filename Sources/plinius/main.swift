import PliniusCLI

PliniusCommand.launch()
