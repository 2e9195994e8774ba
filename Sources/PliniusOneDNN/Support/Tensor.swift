internal import COneDNN

/// The activations between two steps of a plan.
struct Tensor {
    let layout: ActivationLayout
    let region: Region

    /// Whether it holds neither NaN nor infinity; nothing is said of what lay in memory that others have by now.
    func isFinite(_ engine: Engine) -> Bool {
        unsafe region.endsInForward
            || conednn_all_finite(engine.pointer, Int64(layout.floatCount), region.floats)
    }
}
