internal import COneDNN

/// The processor as oneDNN sees it, with a number of threads.
@safe
final class Engine {
    let pointer: OpaquePointer
    let threads: Int

    init(threads: Int) throws(OneDNNError) {
        precondition(threads >= 1, "a pass runs on at least one thread, not \(threads)")
        guard let pointer = unsafe conednn_engine_create(CInt(threads)) else {
            throw OneDNNError(.noEngine, "oneDNN found no engine for this processor; --executor reference needs none")
        }
        unsafe self.pointer = unsafe pointer
        self.threads = threads
        // Primitives are cut for the number of threads that is set when they are made.
        enter()
    }

    deinit { unsafe conednn_engine_destroy(pointer) }

    /// Makes the calling thread run on this engine's number of threads; first in every pass.
    func enter() { unsafe conednn_engine_enter(pointer) }

    /// Channels that lie side by side in activations of `channels`: what oneDNN's fastest kernels like, or all of them.
    static func block(forChannels channels: Int) -> Int {
        let preferred = Int(conednn_channel_block())
        return preferred == 0 ? channels : preferred
    }
}
