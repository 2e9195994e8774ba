import CPliniusPM
import Glibc
import Testing

/// Each test gives its rights up in a process of its own.
@Suite struct SandboxTests {
    @Test func `A hardened process leaves no core and cannot be inspected by its user`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            var limit = rlimit()
            guard cplinius_harden_process() == 0, getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0
            else { exit(1) }
            let status = try kernelText("/proc/thread-self/status")
            guard status.contains("NoNewPrivs:\t1"), limit.rlim_max == 0 else { exit(2) }
            // The kernel gives the files of such a process to root; a test that runs as root cannot see the difference.
            var memory = stat()
            guard stat("/proc/self/mem", &memory) == 0, memory.st_uid == 0 else { exit(3) }
            exit(42)
        }
    }

    @Test func `The sandbox refuses programs, sockets and files for writing`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let path = "/tmp/plinius-sandbox-\(getpid())"
            guard cplinius_harden_process() == 0 else { exit(1) }
            let status = cplinius_install_seccomp()
            if status == ENOSYS { exit(42) }
            guard status == 0 else { exit(2) }
            func refused(_ result: CInt) -> Bool { result == -1 && errno == EPERM }
            guard refused(socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)) else { exit(3) }
            guard refused(socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)) else { exit(4) }
            for flags in [O_WRONLY | O_CREAT, O_RDWR, O_WRONLY, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC] {
                guard refused(open(path, flags, 0o600)) else { exit(5) }
            }
            guard refused(unlink("/tmp/does-not-matter")), refused(rename("/tmp/a", "/tmp/b")) else { exit(6) }
            var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("true"), nil]
            guard refused(execv("/bin/true", &arguments)) else { exit(7) }
            exit(42)
        }
    }

    @Test func `The sandbox leaves memory, threads, reading and held descriptors`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let descriptor = ScratchFile.unnamed()
            guard cplinius_harden_process() == 0 else { exit(1) }
            let status = cplinius_install_seccomp()
            guard status == 0 || status == ENOSYS else { exit(2) }
            let cpus = open("/proc/cpuinfo", O_RDONLY)
            var byte: UInt8 = 0
            guard cpus >= 0, read(cpus, &byte, 1) == 1 else { exit(3) }
            guard posix_fallocate(descriptor, 0, 8192) == 0, pwrite(descriptor, "x", 1, 0) == 1,
                pread(descriptor, &byte, 1, 0) == 1, fdatasync(descriptor) == 0
            else { exit(4) }
            let memory = mmap(nil, 1 << 24, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
            guard memory != MAP_FAILED else { exit(5) }
            let doubled = await withTaskGroup(of: Int.self) { group in
                for index in 0..<8 { group.addTask { index * 2 } }
                return await group.reduce(0, +)
            }
            var thread = pthread_t()
            guard doubled == 56, pthread_create(&thread, nil, { _ in nil }, nil) == 0, pthread_join(thread, nil) == 0
            else { exit(6) }
            exit(42)
        }
    }
}
