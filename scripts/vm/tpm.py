"""A TPM 2.0 in software for the virtual machine: swtpm, whose identity and memory lie in a folder."""

import pathlib
import subprocess
import time

from image import run
from machine import Broken, die_with_parent

# Who signs the certificates of the endorsement key and of the platform: an authority of this TPM's own, made with it.
AUTHORITY = """\
statedir = {folder}/authority
signingkey = {folder}/authority/signkey.pem
issuercert = {folder}/authority/issuercert.pem
certserial = {folder}/authority/certserial
"""
SETUP = """\
create_certs_tool = /usr/bin/swtpm_localca
create_certs_tool_config = {folder}/authority.conf
create_certs_tool_options = /etc/swtpm-localca.options
"""


class TPM:
    """One TPM, in a folder: made there, with RSA and ECC endorsement keys and their certificates, if there is none."""

    devices = ["-chardev", "socket,id=tpm,path=tpm.socket", "-tpmdev", "emulator,id=tpm,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm"]
    # IMA measures what root executes, maps and reads, on ramfs, too (on tmpfs it would not).
    words = "ima_policy=tcb ima_hash=sha256 ima_template=ima-ng rootfstype=ramfs plinius.tpm=yes"

    def __init__(self, folder):
        self.state = folder.absolute() / "state"
        if not self.state.exists():
            self.make(folder.absolute())

    def make(self, folder):
        for made in (folder / "authority", folder / "made"):
            made.mkdir(parents=True, exist_ok=True)
        (folder / "authority.conf").write_text(AUTHORITY.format(folder=folder))
        (folder / "setup.conf").write_text(SETUP.format(folder=folder))
        run(
            "swtpm_setup", "--tpm2", "--tpm-state", folder / "made", "--config", folder / "setup.conf", "--create-ek-cert",
            "--create-platform-cert", "--pcr-banks", "sha256", "--lock-nvram", "--overwrite")
        (folder / "made").rename(self.state)

    def start(self):
        """For one boot, in the current folder: it ends with the machine."""
        socket = pathlib.Path("tpm.socket")
        socket.unlink(missing_ok=True)
        command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.state}", "--ctrl", f"type=unixio,path={socket}", "--terminate"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        while not socket.exists():
            if process.poll() is not None:
                raise Broken(f"swtpm ended with status {process.returncode}")
            time.sleep(0.01)
