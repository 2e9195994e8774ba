import PliniusMirror
import PliniusSealing
import PliniusWire
import _PliniusSupport

/// Asks the owner for more time while the run trains, on a thread of its own.
///
/// What the owner refuses ends the lease. What comes to nothing in another way, by silence or by somebody in between, leaves it as it is, and
/// it is asked for again while there is time.
struct Renewal: Sendable {
    let lease: Lease
    /// Those of the first grant.
    let keys: Keyring
    let choice: ExecutorChoice
    /// An exchange that has not begun, about the run.
    let provisioning: Provisioning

    /// Starts the thread, which ends with the process.
    func begin() {
        startThread { [self] in
            while true {
                lease.waitUntilDue()
                attempt()
            }
        }
    }

    private func attempt() {
        var exchange = provisioning
        do throws(SessionError) {
            guard let grant = try exchange.receiveGrant(for: self), let terms = grant.terms.lease else { return }
            lease.move(to: terms, since: grant.challenged)
        } catch {
            if exchange.isRefused { return lease.end(because: error.failure.message) }
            provisioning.control.send(.relay([]))
            provisioning.control.send(.warning("the lease is not renewed yet: \(error.failure.message)"))
            lease.askAgain()
        }
    }

    /// Checks that a grant goes on with this lease, and comes from whoever knows the keys: anybody can seal to this process's key.
    func require(_ grant: Provisioning.Grant, at state: MirrorState?) throws(SessionError) {
        guard grant.terms.lease?.id == lease.id else {
            throw SessionError(.integrity, "the grant is of another lease than \(lease.id.hex), or of none")
        }
        let id = provisioning.subject.runID ?? []
        guard constantTimeEqual(grant.keys.model.keyCheck(for: id), keys.model.keyCheck(for: id)) else {
            throw SessionError(
                .integrity, "the grant holds another key than the run has: the owner of the run's key renews")
        }
        try grant.terms.executor?.require(choice.kind.rawValue, "the run is computed by", "begin another run")
        guard let floor = grant.terms.floor, let state else { return }
        guard floor.counter < state.counter || floor == state else {
            throw SessionError(
                .integrity,
                "the run is a fork: the owner knows of its commit \(floor.counter), and it holds commit \(state.counter)"
            )
        }
    }
}
