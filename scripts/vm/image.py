"""What the virtual machine is made of: Debian's kernel, unpacked and not installed, and a few of its programs."""

import lzma
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile

MIB = 1 << 20

# What must be installed, and by which command it is known.
PACKAGES = {"qemu-system-x86": "qemu-system-x86_64", "busybox-static": "busybox", "ndctl": "ndctl", "e2fsprogs": "mkfs.ext4"}
TPM_PACKAGES = {"swtpm": "swtpm", "swtpm-tools": "swtpm_setup"}

# Kernel modules by name; what they need is found in the modules themselves. The order of the two lists makes the NVDIMM region 0.
MODULES = {
    "nvdimm": ["crc32c_generic", "ext4", "nfit", "nd_btt", "nd_pmem", "device_dax", "dax_pmem"],
    "virtio": ["virtio_pci", "virtio_blk", "virtio_pmem"],
    "network": ["virtio_net"],
}


class Skip(Exception):
    """Why this machine cannot boot the virtual one."""


def run(*command, **options):
    options = {"check": True, "stdin": subprocess.DEVNULL, "capture_output": True, "text": True} | options
    return subprocess.run([str(word) for word in command], **options)


def which(command):
    return shutil.which(command, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def apt_get(*arguments, **options):
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    # apt's own user may not write to the caller's folder, and apt would warn.
    settings = ["-o", "DPkg::Lock::Timeout=300", "-o", "APT::Sandbox::User=root"]
    return run("apt-get", "-qq", *settings, *arguments, check=False, env=environment, **options)


def apt_get_twice(*arguments, **options):
    """Once more with fresh lists, which only root can fetch. Returns the reason of a failure, or nothing."""
    answer = apt_get(*arguments, **options)
    if answer.returncode != 0 and os.geteuid() == 0:
        apt_get("update")
        answer = apt_get(*arguments, **options)
    return answer.stderr.strip()[-300:] or "apt-get failed" if answer.returncode != 0 else ""


def install(packages):
    """Installs what is missing, if this process may."""
    if platform.machine() != "x86_64":
        raise Skip("the virtual machine is an x86-64 one, and the programs of this machine are for another processor")
    missing = {package: command for package, command in packages.items() if not which(command)}
    if not missing:
        return
    lacks = f"{', '.join(missing.values())} not installed"
    if not shutil.which("apt-get"):
        raise Skip(f"{lacks}, and this is no Debian")
    if os.geteuid() != 0:
        raise Skip(f"{lacks}; please run: sudo apt-get install -y --no-install-recommends {' '.join(missing)}")
    print(f"installing {' '.join(missing)}", flush=True)
    reason = apt_get_twice("-y", "--no-install-recommends", "install", *missing)
    if reason:
        raise Skip(f"{lacks}, and apt-get cannot: {reason}")


def kernel(cache):
    """The folder with Debian's kernel unpacked: one that is there already, or a fresh one."""
    there = sorted(cache.glob("linux-image-*"))
    if there:
        return there[-1]

    if not shutil.which("apt-cache"):
        raise Skip("the kernel that is booted is Debian's, and this is no Debian")

    def name():
        depends = run("apt-cache", "depends", "linux-image-amd64", check=False).stdout
        names = re.findall(r"Depends: (linux-image-[0-9]\S*-amd64)$", depends, re.MULTILINE)
        return names[0] if names else None

    if not name():
        apt_get("update")
    package = name()
    if not package:
        raise Skip("apt knows no linux-image-amd64: it is Debian's kernel that is booted")
    print(f"downloading {package}", flush=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        reason = apt_get_twice("download", package, cwd=scratch)
        if reason:
            raise Skip(f"{package} cannot be downloaded: {reason}")
        run("dpkg-deb", "-x", next(pathlib.Path(scratch).glob("*.deb")), f"{scratch}/tree")
        os.rename(f"{scratch}/tree", cache / package)
    return cache / package


def modules(kernel):
    """The wanted modules with all that they need, in the order of loading: list name -> [(name, bytes)]."""
    files = {}
    for path in kernel.glob("lib/modules/*/kernel/**/*.ko*"):
        files[path.name.split(".")[0].replace("-", "_")] = path
    loaded, lists = set(), {}

    def load(name, into):
        if name in loaded or name not in files:
            # Whatever is no file is built into the kernel.
            return
        loaded.add(name)
        data = files[name].read_bytes()
        if files[name].suffix == ".xz":
            data = lzma.decompress(data)
        needs = re.search(rb"\0depends=([^\0]*)\0", data)
        for need in needs[1].decode().split(",") if needs else []:
            load(need.replace("-", "_"), into)
        into.append((f"{name}.ko", data))

    for title, names in MODULES.items():
        lists[title] = []
        for name in names:
            load(name, lists[title])
    return lists


def libraries(*programs):
    """The shared libraries of programs, with the loader, by path."""
    found = set()
    for program in programs:
        # A static program has none, of which ldd makes a failure.
        for line in run("ldd", program, check=False).stdout.splitlines():
            if "not found" in line:
                raise Skip(f"{program} lacks a library: {line.strip()}")
            found.update(re.findall(r"(/\S+) \(0x", line))
    return sorted(found)


def archive(entries):
    """A cpio archive of the kind that the kernel unpacks, from [(path, mode, bytes)]."""
    out = bytearray()
    for number, (path, mode, data) in enumerate([*entries, ("TRAILER!!!", 0, b"")], 1):
        name = path.encode() + b"\0"
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0]
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name
        out += b"\0" * (-len(out) % 4) + data
        out += b"\0" * (-len(out) % 4)
    return out


def initial_files(kernel):
    """What the machine holds before it has mounted anything."""
    tools = {"bin/busybox": "busybox", "bin/ndctl": "ndctl", "sbin/mkfs.ext4": "mkfs.ext4", "sbin/e2fsck": "e2fsck"}
    tools = {name: which(command) for name, command in tools.items()}
    files = {"init": pathlib.Path(__file__).with_name("init").read_bytes()}
    files |= {name: pathlib.Path(path).read_bytes() for name, path in tools.items()}
    files |= {path[1:]: pathlib.Path(path).read_bytes() for path in libraries(*list(tools.values())[1:])}
    for title, listed in modules(kernel).items():
        files |= {f"modules/{name}": data for name, data in listed}
        files[f"modules/{title}"] = "".join(f"{name}\n" for name, _ in listed).encode()
    folders = {str(parent) for name in files for parent in pathlib.PurePath(name).parents} - {"."}
    return [(name, 0o040755, b"") for name in sorted(folders)] + [(name, 0o100755, data) for name, data in files.items()]


def script(script, files):
    """The entries of a boot with the job `script`, beside the initial files: the script, and files by their names."""
    entries = [("script", 0o100644, script.read_bytes()), ("files", 0o040755, b"")]
    return entries + [(f"files/{name}", path.stat().st_mode, path.read_bytes()) for name, path in files.items()]


def results(folder):
    """What a script left in /out goes to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    run("tar", "--extract", "--no-same-owner", "--file", "page", "--directory", folder)


def disk(path, programs):
    """An image of a file system with programs, by name, and their libraries."""
    with tempfile.TemporaryDirectory(dir=pathlib.Path(path).absolute().parent) as scratch:
        tree = pathlib.Path(scratch)
        (tree / "lib").mkdir()
        for name, program in programs.items():
            shutil.copy(program, tree / name)
        for library in libraries(*programs.values()):
            shutil.copy(library, tree / "lib")
        size = sum(file.stat().st_size for file in tree.rglob("*") if file.is_file())
        run(which("mkfs.ext4"), "-q", "-d", tree, path, f"{size * 5 // 4 // MIB + 16}M")
