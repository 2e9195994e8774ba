"""The virtual machine: one boot of it."""

import ctypes
import os
import pathlib
import re
import select
import signal
import subprocess
import time

MIB = 1 << 20

# The bytes of the machine's memories and disks that are empty at first.
FILES = {"nvdimm": 256 * MIB, "virtio": 32 * MIB, "page": 32 * MIB}


class Broken(Exception):
    """Something that must never happen, with what shows it."""


def die_with_parent():
    """In the child: no machine outlives this script, and none takes the processor from anybody."""
    os.nice(10)
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Machine:
    """One boot, from files in the current folder."""

    def __init__(self, kernel, job, persistence="mem-ctrl", **arguments):
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
                    "-kernel", str(kernel), "-initrd", "initrd",
                    "-append", f"console=ttyS0 loglevel=5 panic=-1 nokaslr mitigations=off random.trust_cpu=on no_timer_check {words}",
                    "-serial", "file:console", "-serial", "stdio",
                ],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, preexec_fn=die_with_parent)
        self.began = time.monotonic()
        # Whole lines that nobody has taken yet, and the beginning of the next.
        self.pending = []
        self.rest = b""

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
            if line.startswith(("failed ", "pool-storm: ")):
                # The rest of the complaint is on its way.
                raise Broken("\n".join([line, *self.every_line(time.monotonic() + 3)][:40]))
            yield line

    def lines_to(self, last, seconds):
        """What the machine says until it says `last`, which it must."""
        for line in self.lines(time.monotonic() + seconds):
            if line == last:
                return
            yield line
        state = "ended" if self.process.poll() is not None else f"took more than {seconds} s"
        raise Broken(f"the machine {state} before it said '{last}'. {pathlib.Path('errors').read_text()[-500:]}")

    def end(self):
        """Waits for a machine that has turned itself off."""
        self.process.wait(timeout=60)
        self.process.stdout.close()

    def kill(self):
        """SIGKILL to QEMU: no instruction of the machine comes after this."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
