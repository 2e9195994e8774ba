import PliniusPerun

await PerunCommand.launch()
