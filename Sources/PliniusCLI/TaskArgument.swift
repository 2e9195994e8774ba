import ArgumentParser
import PliniusWire

/// A task, by its name.
struct TaskArgument: ExpressibleByArgument {
    let task: ModelTask

    init?(argument: String) {
        guard let task = ModelTask.allCases.first(where: { "\($0)" == argument }) else { return nil }
        self.task = task
    }

    static var allValueStrings: [String] { ModelTask.allCases.map { "\($0)" } }
}
