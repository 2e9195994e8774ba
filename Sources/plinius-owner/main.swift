import PliniusOwner

OwnerCommand.main()
