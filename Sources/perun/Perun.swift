import PliniusPerun

@main
enum Perun {
    static func main() async { await PerunCommand.main() }
}
