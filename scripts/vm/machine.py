"""The virtual machine: what its boots are made from, and one boot of it."""

import contextlib
import ctypes
import os
import pathlib
import re
import select
import signal
import subprocess
import tempfile
import time

import image

CACHE = pathlib.Path(__file__).resolve().parent.parent.parent / ".build/vm"
MIB = 1 << 20

# The bytes of the machine's memories and disks that are empty at first.
FILES = {"nvdimm": 256 * MIB, "virtio": 32 * MIB, "page": 32 * MIB}


class Broken(Exception):
    """Something that must never happen, with what shows it."""


def die_with_parent():
    """In the child: no machine outlives this script, and none takes the processor from anybody."""
    os.nice(10)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Rig:
    """Makes boots of one machine, whose disks and NVDIMM last as long as it is open, in a scratch folder that is the current one."""

    def __init__(self, packages=image.PACKAGES):
        """Installs and downloads what is missing, or raises `image.Skip`."""
        CACHE.mkdir(parents=True, exist_ok=True)
        image.install(packages)
        folder = image.kernel(CACHE)
        self.name = folder.name
        self.kernel = next(folder.glob("boot/vmlinuz-*"))
        self.initial = image.archive(image.initial_files(folder))

    @contextlib.contextmanager
    def open(self, programs):
        """`programs`, by name, are what the machine finds in /programs."""
        before = os.getcwd()
        with tempfile.TemporaryDirectory(prefix="run-", dir=CACHE) as scratch:
            os.chdir(scratch)
            try:
                image.disk("programs", programs)
                for name, size in FILES.items():
                    with open(name, "wb") as file:
                        file.truncate(size)
                yield
            finally:
                os.chdir(before)

    def boot(self, job, entries=(), **arguments):
        """`entries`, as `image.archive` takes them, lie beside the initial files."""
        # The kernel unpacks one archive after the other.
        pathlib.Path("initrd").write_bytes(self.initial + image.archive(entries))
        return Machine(self.kernel, job, **arguments)

    def console(self):
        """What the kernel said last."""
        lines = pathlib.Path("console").read_text(errors="replace").splitlines()[-15:] if os.path.exists("console") else []
        return "".join(f"console: {line}\n" for line in lines)


class Machine:
    """One boot, from files in the current folder."""

    def __init__(self, kernel, job, persistence="mem-ctrl", tpm=None, network=None, **arguments):
        """`network` makes this machine's ports, by number, lead to ports of the virtual one, which finds this one as 10.0.2.2."""
        if tpm:
            tpm.start()
        if network is not None:
            arguments["network"] = "yes"
        words = " ".join(f"plinius.{name}={value}" for name, value in {"job": job, **arguments}.items())
        with open("errors", "w") as errors:
            # TCG even where there is KVM: the same machine everywhere, with every write-back instruction.
            self.process = subprocess.Popen(
                [
                    "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                    "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1G,slots=1,maxmem=8G",
                    "-machine", f"q35,nvdimm=on,nvdimm-persistence={persistence}",
                    "-object", f"memory-backend-file,id=nvdimm,share=on,mem-path=nvdimm,size={FILES['nvdimm']}",
                    "-device", "nvdimm,memdev=nvdimm",
                    # Its region promises nothing about caches, which would speak against the NVDIMM's.
                    *([] if persistence == "cpu" else [
                        "-object", f"memory-backend-file,id=virtio,share=on,mem-path=virtio,size={FILES['virtio']}",
                        "-device", "virtio-pmem-pci,memdev=virtio",
                    ]),
                    "-drive", "if=none,id=programs,format=raw,readonly=on,file=programs",
                    "-device", "virtio-blk-pci,drive=programs",
                    "-drive", "if=none,id=page,format=raw,file=page", "-device", "virtio-blk-pci,drive=page",
                    *(tpm.devices if tpm else []),
                    *([] if network is None else [
                        "-netdev", ",".join(["user,id=net", *(f"hostfwd=tcp:127.0.0.1:{port}-:{inner}" for port, inner in network.items())]),
                        "-device", "virtio-net-pci,netdev=net,romfile=",
                    ]),
                    "-kernel", str(kernel), "-initrd", "initrd",
                    "-append", f"console=ttyS0 loglevel=5 panic=-1 nokaslr mitigations=off random.trust_cpu=on no_timer_check {words}"
                    + (f" {tpm.words}" if tpm else ""),
                    "-serial", "file:console", "-serial", "stdio",
                ],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, preexec_fn=die_with_parent)
        self.began = time.monotonic()
        # Whole lines that nobody has taken yet, and the beginning of the next.
        self.pending = []
        self.rest = b""
        # How a line begins that ends the test.
        self.complaints = ("failed ", "pool-storm: ")

    def every_line(self, until):
        while True:
            while self.pending:
                yield re.sub(r"\x1b\[[0-9;]*m|\r", "", self.pending.pop(0).decode(errors="replace"))
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))
            data = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not data:
                return
            *self.pending, self.rest = (self.rest + data).split(b"\n")

    def lines(self, until):
        """What the machine says until `until` (monotonic seconds) has come or it ends; a complaint ends the test."""
        for line in self.every_line(until):
            if line.startswith(self.complaints):
                # The rest of the complaint is on its way.
                raise Broken("\n".join([line, *self.every_line(time.monotonic() + 3)][:40]))
            yield line

    def lines_to(self, last, seconds):
        """What the machine says until it says `last`, which it must."""
        for line in self.lines(time.monotonic() + seconds):
            if line == last:
                return
            yield line
        raise self.silence(f"it said '{last}'", seconds)

    def script(self, seconds, say, hear):
        """Follows the job `script` to its end: `say` is told how the boot goes, `hear` what the script writes. Returns its status."""
        for line in self.lines_to("step the script begins", seconds):
            say(line)
        # What the script says is no complaint of the machine's.
        complaints, self.complaints = self.complaints, ()
        for line in self.lines(self.began + seconds):
            # The script's last line may lack its end.
            if end := re.fullmatch(r"(.*)step the script ended with status ([0-9]+)", line):
                if end[1]:
                    hear(end[1])
                break
            hear(line)
        else:
            raise self.silence("the script ended", seconds)
        self.complaints = complaints
        for line in self.lines_to("done", 60):
            say(line)
        self.end()
        return int(end[2])

    def silence(self, event, seconds):
        try:
            self.process.wait(timeout=1)
            state = "ended"
        except subprocess.TimeoutExpired:
            state = f"took more than {seconds} s"
        return Broken(f"the machine {state} before {event}. {pathlib.Path('errors').read_text()[-500:]}")

    def end(self):
        """Waits for a machine that has turned itself off."""
        self.process.wait(timeout=60)
        self.process.stdout.close()

    def kill(self):
        """SIGKILL to QEMU: no instruction of the machine comes after this."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
