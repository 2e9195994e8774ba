import Foundation
import Glibc

extension SoftwareTPM {
    /// A device of the kernel's kind before this TPM: opened once, it takes commands as long as it stays open.
    ///
    /// By its sockets a software TPM is connected to anew for each command, which a confined process may not do. It is a terminal that
    /// passes bytes as they are; a fresh one for each process, so that a command that was cut off is nobody else's.
    public func device() throws -> String {
        // As the kernel's resource manager does for a process that is gone.
        for handle: UInt32 in [0x0200_0000, 0x0300_0000, 0x8000_0000] {
            for index in 0..<4 as Range<UInt32> {
                let bytes = stride(from: 24, through: 0, by: -8).map {
                    UInt8(truncatingIfNeeded: (handle + index) >> UInt32($0))
                }
                // TPM2_FlushContext; there may be nothing to flush.
                _ = try send([0x80, 0x01, 0, 0, 0, 14, 0, 0, 0x01, 0x65] + bytes)
            }
        }
        var (master, slave): (CInt, CInt) = (-1, -1)
        var settings = termios()
        cfmakeraw(&settings)
        // This end of it is held open, or the settings would end with the first connection.
        guard openpty(&master, &slave, nil, &settings, nil) == 0, let name = ttyname(slave) else {
            throw ProgramError("no pseudo-terminal: \(String(cString: strerror(errno)))")
        }
        let path = String(cString: name)
        for descriptor in [master, slave] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        Thread.detachNewThread { [master, slave, weak self] in
            defer {
                close(slave)
                close(master)
            }
            var pending: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 4_096)
            while true {
                var entry = pollfd(fd: master, events: CShort(POLLIN), revents: 0)
                let isReady = poll(&entry, 1, 100) > 0
                guard let self else { return }
                guard isReady else { continue }
                let count = read(master, &buffer, buffer.count)
                guard count > 0 else { continue }
                pending += buffer.prefix(count)
                // Tag (2), then the length of the whole.
                guard pending.count >= 6 else { continue }
                let length = pending[2..<6].reduce(0) { $0 << 8 | Int($1) }
                guard pending.count >= length else { continue }
                let command = Array(pending.prefix(length))
                pending = []
                guard let response = try? send(command) else { continue }
                _ = write(master, response, response.count)
            }
        }
        return "device:\(path)"
    }
}
