import Logging
import PliniusPolicyManager
import ServiceLifecycle

/// What the manager does though nobody asks: the log tells when leases end, and statements count from their time on.
struct Housekeeping: Service {
    let manager: PolicyManager
    let seconds: Int64
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: .seconds(seconds))) != nil {
                // A disk that is full now may have room at the next round.
                do { try await manager.keepHouse() } catch {
                    logger.error("the round of housekeeping failed", metadata: ["reason": .string("\(error)")])
                }
            }
        }
    }
}
