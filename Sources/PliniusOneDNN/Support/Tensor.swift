/// The activations between two steps of a plan.
struct Tensor {
    let layout: ActivationLayout
    let region: Region
}
