/// Darknet's activation functions.
public enum Activation: String, Hashable, Sendable, CaseIterable {
    case linear, logistic, loggy, relu, elu, selu, relie, ramp, leaky, tanh, plse, stair, hardtan, lhtan
}
