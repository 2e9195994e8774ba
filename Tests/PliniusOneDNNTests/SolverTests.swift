import PliniusNN
import PliniusOneDNN
import Testing
import _PliniusSupport

/// Adam and clipping on the plan: what the reference computes.
@Suite struct SolverTests {
    static let network = ExecutorTests.network.replacing(
        "momentum=0.9\ndecay=0.0005", with: "decay=0.001\nadam=1\nB2=.99\neps=1e-4\nclip=.2"
    ).replacing("learning_rate=0.05", with: "learning_rate=0.01")

    @Test func `Five updates of Adam are the reference's, clipping included`() throws {
        let trial = try Trial(Self.network, threads: 2)
        let judge = Judge(trial)
        for iteration in 0..<5 {
            let images = trial.images(seed: UInt64(iteration))
            let truth = (0..<12 * 10).map { $0 % 10 == $0 / 10 % 10 ? Float(1) : 0 }
            trial.load(images, truth)
            judge.network.load(images: images.span, truth: truth.span)
            let pass = Pass(mode: .training, seed: 9, iteration: UInt64(iteration))
            expectClose([trial.executor.forward(pass)], [judge.network.forward(pass)], tolerance: 1e-3)
            trial.executor.backward(pass)
            judge.network.backward(pass)
            trial.executor.update(trial.step(iteration))
            judge.network.update(trial.step(iteration))
        }
        for tensor in trial.description.layout.tensors {
            expectClose(
                trial[tensor], judge[tensor], tolerance: 2e-2, "\(tensor)")
        }
        #expect(trial[2, .weights].contains(0.2) && trial[2, .weights].allSatisfy { $0.magnitude <= 0.2 })
        #expect(trial[2, .weightMomentum].allSatisfy { $0 == 0 })
    }

    @Test func `A single step of Adam from the same state is the reference's to the last digits`() throws {
        let trial = try Trial(Self.network)
        for layer in trial.description.layers.indices {
            for (role, momentum, mean, square) in TensorRole.learned {
                let count = trial[layer, role].count
                trial[layer, momentum] = (0..<count).map { noise($0, seed: 31) * 8 }
                trial[layer, mean] = (0..<count).map { noise($0, seed: 32) * 2 }
                trial[layer, square] = (0..<count).map { noise($0, seed: 33).magnitude }
            }
        }
        let judge = Judge(trial)
        trial.executor.update(trial.step(6))
        judge.network.update(trial.step(6))
        for tensor in trial.description.layout.tensors {
            expectClose(
                trial[tensor], judge[tensor], tolerance: 1e-6, "\(tensor)")
        }
    }

    @Test func `Clipping hides no NaN`() throws {
        let trial = try Trial(Self.network)
        trial[0, .weights] = [.nan] + trial[0, .weights].dropFirst()
        trial.executor.update(trial.step(0))
        #expect(trial[0, .weights][0].isNaN && trial[0, .weights][1].magnitude <= 0.2)
    }

    @Test func `Adam goes on with the same bits from a copy of the arena`() throws {
        let unbroken = try Trial(Self.network)
        _ = unbroken.train(iterations: 0..<3)
        let resumed = try Trial(Self.network, seed: 8)
        _ = resumed.train(iterations: 10..<12)
        _ = resumed.arena.memory.floats.update(fromContentsOf: unbroken.arena.memory.floats)
        resumed.executor.parametersDidChange()
        #expect(resumed.train(iterations: 3..<6) == unbroken.train(iterations: 3..<6))
        #expect(resumed.hasSameState(as: unbroken))
    }
}
