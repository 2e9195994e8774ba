import Crypto
import PliniusVerifier
import PliniusWire
import Testing
import _CryptoExtras

/// Signatures that OpenSSL made over the text `a quote` (`openssl dgst -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:…`).
@Suite("RSASSA-PSS with the longest salt")
struct LongestSaltPSSTests {
    private struct Case: CustomTestStringConvertible {
        var modulus: String
        var hash: HashAlgorithm
        var salt: String
        var signature: String

        var testDescription: String { "\(modulus.count * 4) bits, \(hash), salt \(salt)" }
    }

    private static let message = Array("a quote".utf8)
    private static let exponent: UInt32 = 65_537

    private static func bytes(_ text: String) -> [UInt8] {
        stride(from: 0, to: text.count, by: 2).compactMap { UInt8(text.dropFirst($0).prefix(2), radix: 16) }
    }

    @Test("The longest salt passes, for moduli of whole bytes and others; shorter ones do not", arguments: cases)
    private func salts(_ one: Case) {
        let found = LongestSaltPSS.isValid(
            Self.bytes(one.signature), over: Self.message, one.hash, modulus: Self.bytes(one.modulus),
            exponent: Self.exponent)
        #expect(found == (one.salt == "max"))
    }

    @Test("Another message, hash, key or signature is refused")
    func changes() throws {
        let one = try #require(Self.cases.first { $0.salt == "max" })
        let (modulus, signature) = (Self.bytes(one.modulus), Self.bytes(one.signature))
        func holds(
            _ signature: [UInt8], _ modulus: [UInt8], over message: [UInt8] = Self.message,
            _ hash: HashAlgorithm = .sha256, exponent: UInt32 = Self.exponent
        ) -> Bool { LongestSaltPSS.isValid(signature, over: message, hash, modulus: modulus, exponent: exponent) }
        #expect(holds(signature, modulus))
        #expect(!holds(signature, modulus, over: Self.message + [0]))
        #expect(!holds(signature, modulus, .sha384))
        #expect(!holds(signature, modulus, exponent: 3) && !holds(signature, modulus, exponent: 0))
        for index in stride(from: 0, to: signature.count, by: 5) {
            var changed = signature
            changed[index] ^= 1 << (index % 8)
            #expect(!holds(changed, modulus), "byte \(index)")
        }
        var other = modulus
        other[100] ^= 1
        #expect(!holds(signature, other))
        for malformed in [[], [0], [0] + modulus, Array(modulus.dropLast()), modulus.dropLast() + [0]] as [[UInt8]] {
            #expect(!holds(signature, malformed))
        }
        #expect(!holds([], modulus) && !holds(signature + [0], modulus) && !holds(modulus, modulus))
        #expect(!holds(Array(repeating: 0, count: 256), modulus))
    }

    @Test("A TPM's quote is accepted with the longest salt as with the digest's length, and with no other")
    func quote() throws {
        let message = Self.bytes(Self.attest)
        for (signature, isValid) in [(Self.longest, true), (Self.asLong, true), (Self.short, false)] {
            let evidence = Evidence(
                .tpm,
                [
                    "ak": Self.bytes(Self.area), "attest": message, "pcrs": Self.registers,
                    "signature": [0, 0x16, 0, 0x0B, 1, 0] + Self.bytes(signature),
                ])
            let found = failures { (examination: inout Examination) throws(EvidenceError) in
                _ = try examineTPM(evidence, TPMRequirements(), Context(now: Vectors.pinnedTime), &examination)
            }
            #expect(found == (isValid ? [] : ["tpm.quote.signature"]))
        }
    }

    private static let registers = PCRValues([.init(bank: 0x0B, index: 0): [UInt8](repeating: 9, count: 32)]).encoded

    private static let modulus2048 =
        "df443f116e4c831d29de00283455463c52c553c16e2d4e7b8035254b826b477e97766fd7f3cac40ca28354c8a9a331cd"
        + "417cdfb5c824a1664283093510e61e0f3ec32868c1a37fb7b69debbfa7a11fb8765bfd09f66e34ff3c99ce7bec1c1c10"
        + "c916759fb6ccff3af677b3e40ccdedc061f6acd435ad23da49939eed032531900b29eaaf623dd55398699a56edb5e962"
        + "265fb3b855bb6169e4af31d9808b84a01f358034b715400c16a25ba310a84fc3099db34120e1e5efb051666810415230"
        + "93123b6fb4f9742b969a44cc393ebd86e4b31ff527fad079870baca5d9430b7b12f96cc6fa8210c4f598ffcb33bb4bbc"
        + "05b70af574a8026b8c8ef5a4e251bcbd"
    private static let modulus2049 =
        "01a2559975c6634dd034c161b9eecf051d85cdceebbd565effb731b785f8095a75635cb6ee6c592a15bb470692a6a368"
        + "105ff0e62529b3e50a2a21119a99fd0bfaaee50653738dd7a01c43b550ad8b0d23da685a350aceced64fe24f773a3203"
        + "f8b59c55fe9d4c09efa38ac66444f02564a22579695945d7a0a838c6add1ea8fae24cbf66a33cd356e8a576aba123dbb"
        + "8e4b3b33c5bb0cd86cfc5540c2383e731be82d1f71af7a708b96ce3fd5bafe165be9f69dba82a21268d3d1894d1e5a3d"
        + "00b1fd67d42345da54635b5fc107a24e49230ab4668eca65eb02b607f788a87c5d0cb2a20b6e9023e31ef4e887c05a4e"
        + "bf9b87ee27a7c88e2103406c85faad5ba9"
    private static let area =
        "0001000b00050072000000100016000b0800000000000100df443f116e4c831d29de00283455463c52c553c16e2d4e7b"
        + "8035254b826b477e97766fd7f3cac40ca28354c8a9a331cd417cdfb5c824a1664283093510e61e0f3ec32868c1a37fb7"
        + "b69debbfa7a11fb8765bfd09f66e34ff3c99ce7bec1c1c10c916759fb6ccff3af677b3e40ccdedc061f6acd435ad23da"
        + "49939eed032531900b29eaaf623dd55398699a56edb5e962265fb3b855bb6169e4af31d9808b84a01f358034b715400c"
        + "16a25ba310a84fc3099db34120e1e5efb05166681041523093123b6fb4f9742b969a44cc393ebd86e4b31ff527fad079"
        + "870baca5d9430b7b12f96cc6fa8210c4f598ffcb33bb4bbc05b70af574a8026b8c8ef5a4e251bcbd"
    private static let attest =
        "ff54434780180022000b0505050505050505050505050505050505050505050505050505050505050505000301020300"
        + "000000000003e8000000070000000201000000000000002000000001000b0301000000208c0cc17a04942cc4f8e0fe0b"
        + "302606d3108860c126428ba2ceeb5f9ed41c2b05"
    private static let longest =
        "9f9bb46ac5db4787c317215d643d889d2e3ea01b99434ef34c946894813d09f25d988d6477da04ba201ab0a3b91322d3"
        + "be400d7dfe8907704523cecba52eb9d942562d67c0b75aef6f43dddda334ba639fdc4eb0594b77d9848a7265d2929a67"
        + "804728cf462aec3820441237abccceb5d025a00e2e554c3c72c775b1b586af3bf6a4f3552a52e026d0233b6133b368f2"
        + "37ddf3fcc563ca943147189e6142fc2e4eda83d6ad17dd485dc7846f83c3f3d9741c9f1190381323ed4a77bdeeafa5a8"
        + "bbb1556daa9e23f105ab534f281ff0f98562cd503b4a60e11490c85f6b41d9c06a0f15ea2031f6409d080c048e4b13a7"
        + "d52c63d353e4e71301698bf52460841f"
    private static let asLong =
        "0e3313e3821cfa20dd2d6ad123b1fc4f99c1eea9d98cd63bbb92e8bb69a1e7e692827e56eb722730c7949a93ae843e6e"
        + "7302fe26038bd8ae512404cd6e8faa5ab4eeda6cc300d4069b3fc03db827dc9097f26e67e93e91784b5ae3ecc1a15056"
        + "728bb120e46160cd47fffd5927c42560a4be9c4e12d7113c4c361dad5014c9b87a79627c652f4a377d0535d10a7b1259"
        + "285ec89b765112a7cdcae6dbf7ff7ad216171e2c2081d56301b87efa5bf6318cad875002d21f1a0b0ed29bf0581264d8"
        + "51dff12d101b31aee171be6db8a6baaf56641249ce33ab7652fe979de763cc38ae79b37e638537b511d4fce3ff4bdaee"
        + "1c4c0a591190b32771e00b254ccff193"
    private static let short =
        "9941b733e231d50a461a8ef143a38024aae19f09dd2568e89244f4a37e971340bbfd30d99b64583535da013868109c6d"
        + "ceea81b6c12f8905d1aec42ecd9cc8846d961570f3994c0939a8631a59c6f7a039412c691aa27cffda6d8bdf981c8397"
        + "66b1684571737380eab41576fccd7904d95c2d8ba43872550e87c5b7d34bcc72116a76f67a9ebdb1d92b90b5ee5d1218"
        + "ec6c4d46d6d2d25e862241bac88f4c3b4679ea8b3bd7efaf010f17cfcddaa2933e9ac03368b09b8c58832b5fb47d06b6"
        + "3d97bfe0510ae26538b38e33ba9d8e26ba47a12030db73a684ae9e00a7d9486d7196ffeb520e77e4065917a9d34c3aa3"
        + "e392519b315005e8de865e178d1e5594"
    private static let cases = [
        Case(
            modulus: modulus2048, hash: .sha256, salt: "max",
            signature:
                "81d808345a34d39da2c8171702128d6254c846a66b299d5fea7decca4ad7ba6d652c93bc19d21512055893e40b87192f"
                + "0ea803f992f0b7e8f2f893a25026fa325d7da8f266d8e1652562cdac01ff446ab5c2cab49cddc2df932c0ca64156cd17"
                + "d7a897870065135d9b82f43554cd998e7cb930dac0401e6a3a36afe12d4f7169ee304d7344c873f133dada2cf18cc0cf"
                + "928312eeadedb305754a095b1740a0a7949fde3e8257bd263935d6ae767fee7611a83782f6f7ec54efff33d96494ee09"
                + "d96cec1b0a67a08cfc1249f4f1865eec657ac8d409589c91bd633c86ee1d050f938a9ab3f3d29210a8983556e2326237"
                + "b2a3c61c9a1505f234109abf74caff15"),
        Case(
            modulus: modulus2048, hash: .sha256, salt: "digest",
            signature:
                "93e548a6725d268c4b1d1484ec5ace081188f10ae01eb40d6c2997e5f6cdd3e057e2d62e42a6f94349f7728072262ea3"
                + "ba5494e67d4f915a54a6e63e079ab11e7c20d26720fa3ad28508987deb00071233a5cf08054ec23be81250edec1d0253"
                + "a6f2a8be561755658102decc79a984ca8e8d6863c2e1993dfd4f90400ddcdc5bb74aa454577533c472bfae0a78e0ee2b"
                + "be5ef2b5596f5d22c8cf53e90c0b1c00694e39fccd546079fbe95244db092a40553e498cd70025f3c46890d79324b344"
                + "bb11908fee7596b540ec407aec83c87622b0d460cb86ccad0b8f92c1c021cf56adab8cfdca47375bfdbca4f4bae143c3"
                + "e6725d94243c02a8f6b9577c5b25379e"),
        Case(
            modulus: modulus2048, hash: .sha256, salt: "20",
            signature:
                "053576847f9c11dd03c33a5b9835e6995e3c6c576eea8b582f8dc710f9e15f1107bf5bdcd9752d382ce95d4f7c1c65a9"
                + "c5ae98c91291b7db0a34c37c2c9f287816e66231fcce15f07a66f795a12d18d2aa5f5653fe0b1804f25731bd0ef13ce5"
                + "5553d62a3450a5f832a6c0b0bc27584ef0cdd570a3b03ff37786379e2923cbf421a8286b360ef22342a57c51c70789c6"
                + "f11b5f5ef8b4c135ed32b1c358fb20a8caf08692b87adf9563cbc7d3db0df9b3e7b1dec58da6a589e9d5fcd4950f491f"
                + "382cda8c89989fb55939361f7e3995e7ba968a1ab6080df1674eda46d518ee21e5793ad2bdfadfb3e961df67249ff563"
                + "f1e255e31ee5f3bbbb1f42b4f2be22d7"),
        Case(
            modulus: modulus2048, hash: .sha256, salt: "0",
            signature:
                "732f6968e6ceda4a1c2353f956dafa5483f1f8db8c23bd76e2039ab4bfec4f29fd3a7bf4733d75f4bb9d0834fad85edf"
                + "bf79343a663938078c6df20f6e19bee2c78812d589f49c7cf551137b77eba2b752910bac67ee348af5cfd7ab3a6b153d"
                + "f1770cdbef47df0c3ede84b627b5c5acfc08a2ed659b44e806e4bd8170790ae3042604f00c529c56090a77c2949635e6"
                + "06ad8068bf0397d915de3ff980d06ad48a794c1c21321916865973b41ddd33fed2b16877cb3cd7795c5f62bfc111b3d5"
                + "283ebb2260e1e8dff1c2286d1f07590ce013c07d66036cc9c65c845b508595ef3edfa5718c19e9f116cc551dad141f34"
                + "6024762e80e1fbcd03aadbb4c093d090"),
        Case(
            modulus: modulus2048, hash: .sha384, salt: "max",
            signature:
                "0a1bc078a84dd8a2ba3b4dab9b40580126c97522b3d53b94e5a00a2d9e2a3a0ec07d3f1fa92c394a10efb80979a3746f"
                + "eae7dbf3f26c52b5670b554ec17a5975004069701f9375c72f1b2ecf2c10c1072ba309f91cc8795e066d55c822b1931c"
                + "5cbc796912078a173836c874b8628987c5dbe1ce18722175b325549c27a68b2e58a9b7b4df63a0c7a04bd17eaeb24ffd"
                + "7246c2f6a7243f0aa3d5771650120a8d57f7da552575477018647446cd680e704bf84212002555c72541e4cd2c88c1ef"
                + "cb5bb18096df53ed2800d50808c92a5ba9e3eea3be268645c03aef5108db5cec63fe98df0442fb48dadda8a880fc8b56"
                + "d8097d24dd2e91ee8fdb47f150f6bad3"),
        Case(
            modulus: modulus2049, hash: .sha256, salt: "max",
            signature:
                "013250c6c1e6816f44a1f3d4dfeae7679d6afe1982ebd99814eacf0670f32470cc03cf68db088e3511044cb61205a88f"
                + "eb8ef383cb768ca4a4e3ba2baf3ef1bf0d35ea20ba2f07e186031818d958c3b34b5aab6f5a9b8d6207f41d425ba3846a"
                + "1c8812f0672ded3ee095407c9c01ab741f4e781394376b565269f1ae61a250a7093e1cd2bbde3544da23d9d29ee520ed"
                + "229c6935f6da966cf79ea0b9698ac634f172a1925d789b55518e5b0f829ccb528713541686c02cf2fb6d5c5ef3735ecf"
                + "e93b34b163c9393449a3c5cfd5eb2e76b26c460d8763fc73fb4c37a4c3b2deb8538a14cb195a4a4ecd6882e5982ff800"
                + "aa521bb8ca4cd0d6cb9b2432e08b312dd1"),
        Case(
            modulus: modulus2049, hash: .sha256, salt: "digest",
            signature:
                "008bb177cdde0a891d3ce8d617e7dd2045d510fa8a8928e59d2898b586a316bb4261e9747d19a812ff8f8fe1f54a2da2"
                + "09b90d43579f6fbb1c65e719115f6a8e4b8b5e49620752d3476ad719a6ff696f86847e390041e0cff814abb339c3d3bf"
                + "2e930f766a9fcd9ee85a26e5671dfbb21f1fb88d2d1917db683c9a16d7fb53425a4b55c507abe983532d74557eec9065"
                + "0f013c7ee0c58c962693dc6754b94facb7eb0b793e23f6606a37f71942eb612764a0c711563bae9dbe4cfa0a651a6965"
                + "58d7564c484c5ee75c7f246f578a01170abe2e39c64fa926ebfe600e4d597b43a6adb1d20fbf98502c1db9012898cc9e"
                + "34718b6d84647f146ec2f3c09534ce0c16"),
        Case(
            modulus: modulus2049, hash: .sha256, salt: "20",
            signature:
                "0015fd178ad71405c65103239a2abdfb55e18912329b8de40d9e40a13f54422d2cb363f3878e14cbe782102f973f60f9"
                + "c927d0c88f0d60185c47389658618506333befae139827355dc47ed0c534181cc1c7a6735e223355ded46e3d8bd00b02"
                + "3abee9a942ddf36819d2bd11eb34e1cfafe72e1f5860c54dcda9c40e9b010b63d3f69a8930f2d4ba152deb05e6d7f386"
                + "f17b40b32a7be1ea1f943e25f5d7cdde2d8100926aa6b40dcdcf102d8a07688a20649489f84af5d40d8416ad8052e68b"
                + "7c0b7f8f3a4f9652e92b49d388fd6dfa52098e2f57b5c29b8605f212a6abf6c23c2d82173894fc7ac4dccc3e3804a23b"
                + "218a92111f81cb4cc6609acf4845510fd2"),
        Case(
            modulus: modulus2049, hash: .sha256, salt: "0",
            signature:
                "00f65ca3e3d39729a9a1acb03594c0c11de47e672468cd07fad4b3dd35c835a3ab75892bbf6c993b76297f3b9472d5b2"
                + "fc18e35b2f87ba947f1dbc9d308e99eebcdc28091fa11f59522a70739f25134d0b05d52ac493c28088ffa0aa9ff86ceb"
                + "2d515eda7f2ddba51e9e7b191b28deec8a73fb6e8a6cca826af32e92a2611fe2a5923b0516a257624e4a382724178af0"
                + "fcf638b43e21e8d291d9cf3f9fce5d863451f0d31894f41962bda8f33c48e289e663aa5f8e9fccab0a5f9f8792348acf"
                + "36c5f972374dbf2567abd79c653a5540dac6689d8173a0770c92658b5aeabe5176540e00128405104f29fc0f87861cff"
                + "7cbf4e4555c2463dc9f18a4bede95c19b4"),
        Case(
            modulus: modulus2049, hash: .sha384, salt: "max",
            signature:
                "0115aeef2eefc06c3f63b25f86100ecfa8683d4340b02e3b43f9d8aafc6e6849373ad41d598de9fd16626135cb761351"
                + "cd584fa9c9f288e0eeed79a6e87c4d896678525c39cbe726ba112dc1dc6e1bb4fa573829e0927f977ea9c1f02ce72f58"
                + "889be379c7c74a2208519beae2139c248f28e6387cd65c8535d99b383038fc1eeff28063e98392fc2c672d64374eecf4"
                + "92bf94a9a72f76b4b1c206bab08b1ce97ecd224300150bac16f767bfc1f1c5f4c083912d8696f7fcc05919cde07e8b18"
                + "82c3cd0776bee1b78a56f0b4a46fd38d3817eb16de448df2719c034d957b1add8f6ff0c8e29973223b7baeb28a5edfc7"
                + "ac6aa0827548a1454e36b73bc462acc887"),
    ]
}
