/// How well a model does on a data set, in counts and sums of which none tells of a single sample.
public struct Evaluation: Hashable, Sendable, WireField {
    /// No figure is told for each of more classes, or of more targets.
    public static let maximumListCount = 256

    /// Updates that the model has seen.
    public var iteration: UInt64 = 0
    public var task = ModelTask.classify
    /// Samples: images, characters of a text.
    public var count: UInt64 = 0
    /// The one number by which models of the task are compared, greater is better: accuracy, mean average precision at an overlap of 0.5,
    /// mean intersection over union, the negative root mean squared error, or the negative perplexity.
    public var score: Float = 0
    public var imagesPerSecond: Float = 0
    /// Of classification, segmentation and sequences.
    public var classes: Classes?
    /// Of detection.
    public var boxes: Boxes?
    /// Of regression.
    public var targets: Targets?

    public init() {}

    mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
        try visit(&self, \.iteration, \.task, \.count, \.score, \.imagesPerSecond, \.classes, \.boxes, \.targets)
    }

    /// What was taken for what.
    public struct Classes: Hashable, Sendable, WireField {
        public var classes: UInt32 = 0
        /// Whether samples may have no class: it stands behind the last one.
        public var hasNone = false
        /// What was classified: images, pixels or characters.
        public var count: UInt64 = 0
        /// Those whose most likely class is the true one.
        public var correct: UInt64 = 0
        /// How many of the most likely classes ``topCorrect`` looks at.
        public var top: UInt32 = 0
        /// Those whose true class is one of the most likely ones.
        public var topCorrect: UInt64 = 0
        /// Mean of -ln of what is put out for the true class, over what has one.
        public var loss: Float = 0
        /// Of what is of a class (row) how much was taken for each (column); empty with more than 256 rows.
        public var confusion: [UInt64] = []

        public init() {}

        mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
            try visit(&self, \.classes, \.hasNone, \.count, \.correct, \.top, \.topCorrect, \.loss)
            try visit.list(&confusion, atMost: Evaluation.maximumListCount * Evaluation.maximumListCount)
        }
    }

    /// How found boxes meet the true ones.
    public struct Boxes: Hashable, Sendable, WireField {
        /// One class.
        public struct Class: Hashable, Sendable, WireField {
            static let maximumListCount = Evaluation.maximumListCount

            public var index: UInt32 = 0
            /// True boxes.
            public var truths: UInt64 = 0
            /// Average precision at an overlap of 0.5.
            public var averagePrecision: Float = 0

            public init() {}

            mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
                try visit(&self, \.index, \.truths, \.averagePrecision)
            }
        }

        /// Mean average precision at an overlap of 0.5: the area under the curve.
        public var averagePrecision: Float = 0
        /// The same by the eleven points of VOC 2007.
        public var elevenPoints: Float = 0
        /// Its mean over overlaps of .50, .55, … .95, by COCO's rules.
        public var coco: Float = 0
        /// True boxes.
        public var truths: UInt64 = 0
        /// Boxes that the network is sure of, above 0.25.
        public var found: UInt64 = 0
        /// Those of them that met a true box of their class.
        public var hits: UInt64 = 0
        /// Mean over the true boxes of the greatest overlap with a sure box.
        public var overlap: Float = 0
        /// The classes that have true boxes; empty if they are too many.
        public var classes: [Class] = []

        public init() {}

        mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
            try visit(
                &self, \.averagePrecision, \.elevenPoints, \.coco, \.truths, \.found, \.hits, \.overlap, \.classes)
        }
    }

    /// How far numbers are off.
    public struct Targets: Hashable, Sendable, WireField {
        /// One number of a sample.
        public struct Target: Hashable, Sendable, WireField {
            static let maximumListCount = Evaluation.maximumListCount

            /// Means over the samples.
            public var squaredError: Float = 0, absoluteError: Float = 0
            /// Mean squared distance of the true numbers from their mean.
            public var variance: Float = 0

            public init() {}

            mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
                try visit(&self, \.squaredError, \.absoluteError, \.variance)
            }
        }

        /// Means over samples and targets.
        public var squaredError: Float = 0, absoluteError: Float = 0
        /// In their order; empty if they are too many.
        public var targets: [Target] = []

        public init() {}

        mutating func walk<Visitor: FieldVisitor>(_ visit: inout Visitor) throws(Visitor.Failure) {
            try visit(&self, \.squaredError, \.absoluteError, \.targets)
        }
    }
}
