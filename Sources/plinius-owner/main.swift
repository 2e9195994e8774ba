import PliniusOwner

OwnerCommand.launch()
