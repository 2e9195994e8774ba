import PliniusNN

extension NetOptions {
    /// The learning-rate schedule in one line; n is the number of an update, from 1.
    var schedule: String {
        let rate = formatted(learningRate)
        let then =
            switch policy {
            case .constant: "\(rate) throughout"
            case .step(let every, let scale): "\(rate) x \(formatted(scale))^floor(n / \(every))"
            case .steps(let at, let scales):
                ([rate] + zip(at, scales).map { "x \(formatted($1)) from \($0)" }).joined(separator: ", ")
            case .exp(let gamma): "\(rate) x \(formatted(gamma))^n"
            case .poly: "\(rate) x (1 - n / \(maxBatches))^\(formatted(power))"
            case .random: "\(rate) x u^\(formatted(power)), u drawn from 0 to 1 for each update"
            case .sigmoid(let step, let gamma): "\(rate) / (1 + exp(\(formatted(gamma)) x (n - \(step))))"
            }
        return burnIn > 0 ? "\(rate) x (n / \(burnIn))^\(formatted(power)) below \(burnIn), then \(then)" : then
    }
}

/// Formats a number of a configuration for people: `4`, `0.5`.
func formatted(_ value: Float) -> String {
    Int(exactly: value).map { $0.magnitude < 1_000_000 ? "\($0)" : "\(value)" } ?? "\(value)"
}
