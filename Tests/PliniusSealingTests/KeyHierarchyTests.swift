import PliniusSealing
import Testing
import _PliniusSupport

/// The expected values were computed with Python's `hmac` and `cryptography` from RFC 5869 and the labels alone.
@Suite("Key hierarchy")
struct KeyHierarchyTests {
    let keys = KeyHierarchy(ownerKey: SecretBytes(Array(0..<32)))
    let id = [UInt8](0x40..<0x50)
    let salt = [UInt8](0x80..<0xA0)
    let nonce = Nonce(stream: 7, counter: 9)

    func seal(_ key: SealingKey) -> String {
        let sealed = key.seal(Array("message".utf8), nonce: nonce, authenticating: Array("context".utf8))
        return (sealed.ciphertext + sealed.tag.bytes).hex
    }

    @Test("Derived keys are those of the format", arguments: SealingProvider.available)
    func derivedKeys(provider: SealingProvider) {
        #expect(
            seal(keys.datasetKey(id: id, cipher: .aes256GCM, provider: provider))
                == "f9cbf4474ff77be9df6bfb5ae04d1f15dc751931f02a57")
        #expect(
            seal(keys.datasetKey(id: id, cipher: .aes128GCM, provider: provider))
                == "62c0e31584d5728c45638283cfe860bd16c8181638715b")
        let run = keys.runKeys(runID: id)
        #expect(
            seal(run.slotKeys(processSalt: salt, cipher: .aes256GCM, provider: provider).chunks)
                == "3e6b2525294bdf7f0c7de8d465d3afb56a151b26231552")
        #expect(
            seal(run.slotKeys(processSalt: salt, cipher: .aes128GCM, provider: provider).chunks)
                == "940d950c1b32b2914f0ebf43879a62b1dcd72ac53479ca")
    }

    @Test("MACs and key checks are those of the format", arguments: SealingProvider.available)
    func macs(provider: SealingProvider) {
        let header = Array("header".utf8)
        let run = keys.runKeys(runID: id)
        #expect(keys.keyCheck(for: id).hex == "1e6ded53c73f42e550a31a0f7af654f8")
        #expect(
            keys.datasetHeaderMAC(id: id, over: header).hex
                == "a3a264aff50cdcd186f65d83f0f503df40650964bcadf48cf6907d0ee02ed761")
        #expect(
            run.superblockMAC(over: header).hex == "5df13a00c00e85d297641b0dc91dd2d50237adc29de6de8508947a4db71c9b18")
        #expect(
            run.slotKeys(processSalt: salt, cipher: .aes256GCM, provider: provider).headerMAC(over: header).array.hex
                == "d4d34d5bab6b501914fc478589f946ee0bfff15272f4034f66507650bc3aaa2b")
    }

    @Test("Every key differs from every other, and moves with each of its inputs")
    func separation() {
        let header = Array("header".utf8)
        var outputs: [String] = []
        for owner in [keys, KeyHierarchy(ownerKey: SecretBytes(Array(1..<33)))] {
            for id in [id, id.flipping(0)] {
                outputs.append(owner.keyCheck(for: id).hex)
                outputs.append(owner.datasetHeaderMAC(id: id, over: header).hex)
                outputs += Cipher.allCases.map { seal(owner.datasetKey(id: id, cipher: $0)) }
                let run = owner.runKeys(runID: id)
                outputs.append(run.superblockMAC(over: header).hex)
                for salt in [salt, salt.flipping(255)] {
                    outputs += Cipher.allCases.map { seal(run.slotKeys(processSalt: salt, cipher: $0).chunks) }
                    outputs.append(
                        run.slotKeys(processSalt: salt, cipher: .aes128GCM).headerMAC(over: header).array.hex)
                }
            }
        }
        #expect(outputs.count == 44)
        #expect(Set(outputs).count == outputs.count)
    }

    @Test("An owner's key of another length is a mistake of the program")
    func ownerKeyLength() async {
        await #expect(processExitsWith: .failure) {
            _ = KeyHierarchy(ownerKey: SecretBytes.random(31))
        }
    }
}
