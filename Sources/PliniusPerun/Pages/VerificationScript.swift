/// Verifies the log in the browser: the chain, the Merkle tree (RFC 9162, section 2.1), and the signature under its head.
///
/// It hashes the bytes of the entries as they come, and writes no markup. What it has verified it says, and what it has not.
let verificationScript = #"""
    "use strict";
    (() => {
      const panel = document.getElementById("verification");
      const headline = document.getElementById("verification-state");
      const checks = document.getElementById("verification-checks");
      if (!panel || !headline || !checks) return;

      class Failure extends Error {}
      const encoder = new TextEncoder();
      const pageSize = 1000;
      const storageKey = "perun-head";
      const origin = "0".repeat(64);

      // MARK: Bytes

      const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
      const join = (...parts) => {
        const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
        let place = 0;
        for (const part of parts) { all.set(part, place); place += part.length; }
        return all;
      };
      const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
      const leafLabel = Uint8Array.of(0);
      const nodeLabel = Uint8Array.of(1);

      // MARK: What is shown

      const badge = (kind, word) => {
        const element = document.createElement("span");
        element.className = `state ${kind}`;
        element.textContent = word;
        return element;
      };
      const say = (kind, word, text) => {
        headline.replaceChildren(badge(kind, word), ` ${text}`);
      };
      const note = (kind, word, text) => {
        const item = document.createElement("li");
        item.append(badge(kind, word), ` ${text}`);
        checks.append(item);
      };
      // What the server shows in place of characters without a shape.
      const shown = (text) => text.replace(
        /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
        (character) => `⟨U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
      const instant = (seconds) => {
        const text = new Date(seconds * 1000).toISOString();
        return `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
      };

      // MARK: What is asked for

      const fetchText = async (path) => {
        for (let attempt = 0; attempt < 10; attempt += 1) {
          const answer = await fetch(path, { credentials: "same-origin", cache: "no-store", redirect: "error" });
          if (answer.status === 429) {
            const seconds = Number(answer.headers.get("retry-after")) || 1;
            await new Promise((resume) => setTimeout(resume, 1000 * Math.min(seconds, 30)));
            continue;
          }
          if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
          return new TextDecoder("utf-8", { fatal: true }).decode(await answer.arrayBuffer());
        }
        throw new Error(`${path} is not answered: the manager is asked too often`);
      };

      const parse = (text, name) => {
        try { return JSON.parse(text); } catch { throw new Failure(`${name} is no JSON`); }
      };

      const fetchHead = async () => {
        const parts = /^\{"head":(\{.*\}),"signature":"([0-9a-f]{128})"\}$/s.exec(await fetchText("/v1/audit/head"));
        if (!parts) throw new Failure("the head is not of the form that a head has");
        const head = parse(parts[1], "the head");
        const isHash = (text) => typeof text === "string" && /^[0-9a-f]{64}$/.test(text);
        if (![head.service, head.root, head.last].every(isHash) || !Number.isSafeInteger(head.size) || head.size < 0) {
          throw new Failure("the head lacks its key, its size, its root or its last hash");
        }
        return { ...head, bytes: encoder.encode(parts[1]), signature: unhex(parts[2]) };
      };

      // MARK: The tree

      // The hashes of the largest complete subtrees, the oldest first: all that the root needs.
      class Frontier {
        size = 0;
        subtrees = [];

        async append(leaf) {
          let hash = leaf;
          for (let bits = this.size; bits % 2 === 1; bits = Math.floor(bits / 2)) {
            hash = await sha256(nodeLabel, this.subtrees.pop(), hash);
          }
          this.subtrees.push(hash);
          this.size += 1;
        }

        async root() {
          if (this.subtrees.length === 0) return hex(await sha256());
          let hash = this.subtrees[this.subtrees.length - 1];
          for (let place = this.subtrees.length - 2; place >= 0; place -= 1) {
            hash = await sha256(nodeLabel, this.subtrees[place], hash);
          }
          return hex(hash);
        }
      }

      // MARK: The rows of this page

      const rows = new Map();
      for (const row of document.querySelectorAll("tr[data-entry]")) rows.set(Number(row.dataset.entry), row);

      // What the page shows otherwise than the log has it; empty if nothing.
      const difference = (row, entry, hash) => {
        const expected = {
          time: instant(entry.time), kind: shown(entry.kind), subject: shown(entry.subject), actor: shown(entry.actor),
          hash: `${hash.slice(0, 12)}…`,
        };
        const place = row.querySelector("th")?.textContent;
        if (place !== String(entry.index)) return `this page numbers entry ${entry.index} otherwise`;
        for (const [field, text] of Object.entries(expected)) {
          const cell = row.querySelector(`td[data-field="${field}"]`);
          if (cell?.textContent !== text) return `this page shows another ${field} of entry ${entry.index} than the log has`;
        }
        return "";
      };

      // MARK: The walk

      const kept = (() => {
        try {
          const value = JSON.parse(localStorage.getItem(storageKey));
          return value && Number.isSafeInteger(value.size) && typeof value.root === "string" ? value : null;
        } catch { return null; }
      })();

      const walk = async (head) => {
        const frontier = new Frontier();
        let last = origin;
        let time = 0;
        let compared = 0;
        let different = "";
        let keptRoot = kept && kept.size === 0 ? await frontier.root() : null;
        while (frontier.size < head.size) {
          const count = Math.min(pageSize, head.size - frontier.size);
          const text = await fetchText(`/v1/audit/entries?from=${frontier.size}&count=${count}`);
          const lines = text.split("\n");
          if (lines.pop() !== "" || lines.length !== count) {
            throw new Failure(`${count} entries from entry ${frontier.size} on were asked for, ${lines.length} came`);
          }
          const raw = lines.map((line, place) => {
            const parts = /^\{"entry":(\{.*\})\}$/s.exec(line);
            if (!parts) throw new Failure(`entry ${frontier.size + place} is not of the form that an entry has`);
            return parts[1];
          });
          const bytes = raw.map((text) => encoder.encode(text));
          const hashes = await Promise.all(bytes.map((entry) => sha256(entry)));
          const leaves = await Promise.all(bytes.map((entry) => sha256(leafLabel, entry)));
          for (let place = 0; place < count; place += 1) {
            const entry = parse(raw[place], `entry ${frontier.size}`);
            if (entry.index !== frontier.size) throw new Failure(`entry ${frontier.size} says that it is entry ${entry.index}`);
            if (entry.previous !== last) {
              throw new Failure(`entry ${entry.index} does not name the entry before it: one of the two was changed`);
            }
            if (!(entry.time >= time)) throw new Failure(`entry ${entry.index} is older than the one before it`);
            time = entry.time;
            last = hex(hashes[place]);
            await frontier.append(leaves[place]);
            if (kept && kept.size === frontier.size) keptRoot = await frontier.root();
            const row = rows.get(entry.index);
            if (row) {
              different ||= difference(row, entry, last);
              compared += 1;
            }
          }
          say("waiting", "Verifying", `${frontier.size} of ${head.size} entries.`);
        }
        if (last !== head.last) throw new Failure("the last entry is not the one that the signed head names");
        note("good", "Chain", `holds: each of the ${head.size} entries names the hash of the one before it.`);
        const root = await frontier.root();
        if (root !== head.root) throw new Failure(`the tree over the entries has the root ${root}, the signed head another`);
        note("good", "Tree", `holds: the entries have the root ${root}.`);
        if (different !== "") throw new Failure(different);
        if (compared !== rows.size) throw new Failure("this page shows entries that the log does not have");
        if (rows.size > 0) note("good", "Page", `the ${rows.size} entries below are shown as the log has them.`);
        return keptRoot;
      };

      // MARK: The signature

      // Whether the browser could tell; throws if the signature is none.
      const checkSignature = async (head) => {
        let key;
        try {
          key = await crypto.subtle.importKey("raw", unhex(head.service), { name: "Ed25519" }, false, ["verify"]);
        } catch (error) {
          if (error.name !== "NotSupportedError") throw new Failure("the key that the head names is none");
          note("waiting", "Signature", "not checked: this browser has no Ed25519.");
          return false;
        }
        const message = join(encoder.encode("perun/1/audit-head\0"), await sha256(head.bytes));
        if (!await crypto.subtle.verify({ name: "Ed25519" }, key, head.signature, message)) {
          throw new Failure("the signature under the head does not hold");
        }
        note("good", "Signature", `holds, of the key ${head.service}. Compare it with the one in your trust file.`);
        return true;
      };

      // MARK: What this browser saw before

      const checkKept = (head, keptRoot) => {
        if (!kept) {
          note("over", "History", "this browser has verified no earlier state of this log.");
          return;
        }
        const advice = "If the manager has a reason for it, clear what this browser keeps of this site.";
        if (kept.service !== head.service) throw new Failure(`this browser has seen the log of another key here before. ${advice}`);
        if (kept.size > head.size) {
          throw new Failure(`this browser has seen ${kept.size} entries before, now there are ${head.size}. ${advice}`);
        }
        if (keptRoot !== kept.root) {
          throw new Failure(`the first ${kept.size} entries are not those that this browser has seen before. ${advice}`);
        }
        note("good", "History", `holds: the log begins with the ${kept.size} entries that this browser verified before.`);
      };

      const keep = (head) => {
        try {
          localStorage.setItem(storageKey, JSON.stringify({ service: head.service, size: head.size, root: head.root }));
        } catch { /* Without storage, the next visit knows nothing of this one. */ }
      };

      const finish = (result, kind, word, text) => {
        say(kind, word, text);
        panel.dataset.result = result;
      };

      const verify = async () => {
        if (!window.isSecureContext || !crypto.subtle) {
          return finish("unchecked", "waiting", "Not verified", "This browser has no cryptography for this page.");
        }
        say("waiting", "Verifying", "The entries are being fetched.");
        try {
          const head = await fetchHead();
          const isSigned = await checkSignature(head);
          const keptRoot = await walk(head);
          checkKept(head, keptRoot);
          if (!isSigned) {
            return finish("unsigned", "waiting", "Verified in part",
              `${head.size} entries fit each other and the head; whether the manager signed the head was not checked.`);
          }
          keep(head);
          finish("verified", "good", "Verified by this browser",
            `${head.size} entries, unbroken, under the head that was signed at ${instant(head.time)}.`);
        } catch (error) {
          if (error instanceof Failure) {
            note("bad", "Failed", `${error.message}`);
            finish("failed", "bad", "Verification failed", "The log is not as it was written. Keep what you have, and ask who runs the manager.");
          } else {
            note("waiting", "Stopped", `${error.message}`);
            finish("unchecked", "waiting", "Not verified", "The log could not be read to its end.");
          }
        }
      };
      verify();
    })();
    """#
