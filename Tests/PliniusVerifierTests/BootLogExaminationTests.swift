import PliniusVerifier
import Testing

@Suite("Judging boot logs")
struct BootLogExaminationTests {
    private static let certificate: [UInt8] = [0x30, 0x82, 0, 4, 1, 2, 3, 4]
    private static let otherCertificate: [UInt8] = [0x30, 0x82, 0, 4, 9, 9, 9, 9]
    private static let owner = [UInt8](repeating: 7, count: 16)
    private static let forbidden = [UInt8](repeating: 0xDB, count: 32)

    /// What the writer of a log may do otherwise.
    private struct Boot {
        var banks: [HashAlgorithm] = [.sha256]
        var variables: [(String, [UInt8])] = [
            ("SecureBoot", [1]), ("PK", EventLogWriter.signatures(EventLogWriter.certificateKind, [certificate])),
            ("KEK", EventLogWriter.signatures(EventLogWriter.certificateKind, [certificate])),
            (
                "db",
                EventLogWriter.signatures(EventLogWriter.certificateKind, [certificate])
                    + EventLogWriter.signatures(EventLogWriter.certificateKind, [certificate + [1]])
            ),
            ("dbx", EventLogWriter.signatures(EventLogWriter.digestKind, [forbidden])),
        ]
        var beforeSeparators: [(Int, EventType, [UInt8])] = []
        var separators = Array(0...7)
        var authority: [UInt8]? = owner + certificate
        var afterSeparators: [(Int, EventType, [UInt8])] = []
        var texts: [(log: String, measured: String)] = [
            ("grub_cmd: set timeout=0\0", "set timeout=0"),
            ("kernel_cmdline: /vmlinuz ro quiet\0", "/vmlinuz ro quiet"),
        ]

        func write() -> EventLogWriter {
            var writer = EventLogWriter(banks)
            writer.add(0, .firmwareVersion, text: "firmware")
            for (name, value) in variables { writer.add(7, .variableDriverConfiguration, Boot.variable(name, value)) }
            for (register, type, data) in beforeSeparators { writer.add(register, type, data) }
            writer.separate(separators)
            if let authority { writer.add(7, .variableAuthority, Boot.variable("db", authority)) }
            writer.add(4, .bootServicesApplication, text: "path", measuring: "program")
            for (register, type, data) in afterSeparators { writer.add(register, type, data) }
            for text in texts { writer.add(8, .initialProgramLoader, text: text.log, measuring: text.measured) }
            return writer
        }

        static func variable(_ name: String, _ value: [UInt8]) -> [UInt8] {
            EventLogWriter.variable(
                name.hasPrefix("db")
                    ? UEFIVariable.Namespace.imageSecurity
                    : name.hasPrefix("Mok") ? UEFIVariable.Namespace.shim : UEFIVariable.Namespace.global, name, value)
        }
    }

    private func setting<Value>(_ value: Value, _ name: String = "a setting") -> Setting<Value> {
        Setting(value, PolicyLine(name, line: 3))
    }

    private func judge(
        _ writer: EventLogWriter, _ requirements: BootLogRequirements = BootLogRequirements(),
        quote: ((inout [HashAlgorithm: [Int: [UInt8]]]) -> Void)? = nil
    ) throws -> Examination {
        var registers = writer.registers
        quote?(&registers)
        var examination = Examination()
        examineBootLog(try EventLog(writer.bytes), registers: registers, requirements, &examination)
        return examination
    }

    private func judge(_ boot: Boot, _ requirements: BootLogRequirements = BootLogRequirements()) throws -> Examination
    {
        try judge(boot.write(), requirements)
    }

    @Test("A log that explains its quote, with secure boot on, passes")
    func passes() throws {
        let examination = try judge(Boot())
        #expect(examination.failures.isEmpty && examination.tolerated.isEmpty && examination.hasPassed)
        #expect(try judge(Boot(banks: [.sha1, .sha256, .sha384])).hasPassed)
    }

    // MARK: Registers and banks

    @Test("Registers that the log does not lead to are refused, by their number", arguments: [0, 4, 7, 8, 9, 11, 15])
    func otherRegister(_ register: Int) throws {
        let writer = Boot().write()
        let examination = try judge(writer) { $0[.sha256]?[register] = [UInt8](repeating: 0xEE, count: 32) }
        #expect(examination.failures.contains("bootlog.register.\(register).replay"))
        var requirements = BootLogRequirements()
        requirements.ignoredRegisters = setting([register])
        let tolerant = try judge(writer, requirements) { $0[.sha256]?[register] = [UInt8](repeating: 0xEE, count: 32) }
        #expect(tolerant.tolerated.contains("bootlog.register.\(register).replay"))
        // Secure boot is never believed without its register.
        #expect(tolerant.failures == (register == 7 ? ["bootlog.secureboot.state"] : []))
    }

    @Test("Registers of IMA, of debuggers and applications are not the boot log's", arguments: [10, 16, 23])
    func foreignRegister(_ register: Int) throws {
        let examination = try judge(Boot().write()) { $0[.sha256]?[register] = [UInt8](repeating: 0xEE, count: 32) }
        #expect(examination.hasPassed)
    }

    @Test("A register that the log needs and no quote covers is refused")
    func unquoted() throws {
        let examination = try judge(Boot().write()) { $0[.sha256]?[4] = nil }
        #expect(examination.failures == ["bootlog.register.4.quoted", "bootlog.register.4.separator"])
    }

    @Test("Every bank that is quoted must agree")
    func banksDisagree() throws {
        let writer = Boot(banks: [.sha1, .sha256]).write()
        let examination = try judge(writer) { $0[.sha1]?[2] = [UInt8](repeating: 0, count: 20) }
        #expect(Set(examination.failures) == ["bootlog.register.2.replay", "bootlog.register.2.separator"])
    }

    @Test("SHA-1 alone binds a log only where the policy says so")
    func sha1() throws {
        let writer = Boot(banks: [.sha1]).write()
        #expect(try judge(writer).failures.first == "bootlog.bank")
        var requirements = BootLogRequirements()
        requirements.permitsSHA1 = setting(true)
        let examination = try judge(writer, requirements)
        #expect(examination.hasPassed && examination.tolerated == ["bootlog.bank"])
        requirements.permitsSHA1 = setting(false)
        #expect(try judge(writer, requirements).failures.first == "bootlog.bank")
        // A tolerance is none for a quote that shares no bank at all.
        requirements.permitsSHA1 = setting(true)
        #expect(try judge(writer, requirements) { $0 = [.sha384: [:]] }.failures.first == "bootlog.bank")
    }

    @Test("A register that the firmware did not close, or closed with an error, is refused")
    func separators() throws {
        #expect(try judge(Boot(separators: [0, 1, 2, 3, 4, 5, 7])).failures == ["bootlog.register.6.separator"])
        #expect(try judge(Boot(separators: Array(0...7) + [6])).failures == ["bootlog.register.6.separator"])
        let error = Boot(beforeSeparators: [(6, .separator, [1, 0, 0, 0])], separators: [0, 1, 2, 3, 4, 5, 7])
        #expect(try judge(error).failures == ["bootlog.register.6.separator"])
        let ones = Boot(
            beforeSeparators: [(6, .separator, [0xFF, 0xFF, 0xFF, 0xFF])], separators: [0, 1, 2, 3, 4, 5, 7])
        #expect(try judge(ones).hasPassed)
    }

    // MARK: Content

    @Test("An event that says other than what was measured is refused")
    func lies() throws {
        let variable = EventLogWriter.variable(UEFIVariable.Namespace.global, "Boot0000", [1, 2])
        for (type, data) in [
            (EventType.efiAction, Array("Calling EFI Application from Boot Option".utf8)),
            (.variableBoot, variable), (.variableBoot2, variable),
            (.initialProgramLoader, Array("grub_cmd: ls".utf8)),
        ] {
            var writer = Boot().write()
            writer.add(5, type, data, measuring: Array("something else".utf8))
            #expect(try judge(writer).failures == ["bootlog.event.content"], "\(type)")
        }
        // Of a variable, some firmware measures the value alone.
        var writer = Boot().write()
        writer.add(1, .variableBoot, variable, measuring: [1, 2])
        writer.add(5, .efiAction, Array("with a NUL\0".utf8), measuring: Array("with a NUL".utf8))
        #expect(try judge(writer).hasPassed)
    }

    @Test("Digests that no list has are refused, with the event that brought them")
    func digests() throws {
        var requirements = BootLogRequirements()
        requirements.allowedDigests[4] = setting([digest(.sha256, Array("program".utf8))])
        #expect(try judge(Boot(), requirements).hasPassed)
        requirements.allowedDigests[4] = setting([digest(.sha256, Array("another".utf8))])
        let examination = try judge(Boot(), requirements)
        #expect(examination.failures == ["bootlog.register.4.digests"])
        let found = examination.findings.first { $0.outcome == .failed }
        #expect(found?.found.contains("EV_EFI_BOOT_SERVICES_APPLICATION") == true && found?.policyLine?.line == 3)
        // A list for a register that is not proved holds nothing.
        requirements.allowedDigests = [4: setting([digest(.sha256, Array("program".utf8))])]
        requirements.ignoredRegisters = setting([4])
        #expect(
            try judge(Boot().write(), requirements) { $0[.sha256]?[4] = nil }.failures == ["bootlog.register.4.digests"]
        )
        // Not even where the log has nothing for it.
        requirements.allowedDigests = [9: setting([digest(.sha256, Array("program".utf8))])]
        requirements.ignoredRegisters = nil
        #expect(try judge(Boot(), requirements).failures == ["bootlog.register.9.digests"])
    }

    // MARK: Secure boot

    @Test("Secure boot that is off, or not mentioned, is refused unless the policy does without")
    func disabled() throws {
        let off = Boot(variables: [("SecureBoot", [0])])
        let silent = Boot(variables: [])
        for boot in [off, silent] {
            #expect(try judge(boot).failures.first == "bootlog.secureboot.state")
            var requirements = BootLogRequirements()
            requirements.secureBoot = setting(false)
            let examination = try judge(boot, requirements)
            #expect(examination.hasPassed && examination.tolerated == ["bootlog.secureboot.state"])
            requirements.authorities = setting([])
            #expect(try judge(boot, requirements).failures == ["bootlog.secureboot.authority"])
        }
    }

    @Test("A log that contradicts itself about secure boot is refused")
    func inconsistent() throws {
        var boots: [(String, Boot)] = []
        for missing in ["PK", "db"] {
            boots.append(("without \(missing)", Boot(variables: Boot().variables.filter { $0.0 != missing })))
        }
        boots.append(("twice", Boot(variables: Boot().variables + [("SecureBoot", [1])])))
        boots.append(("2", Boot(variables: [("SecureBoot", [2])] + Boot().variables.dropFirst())))
        boots.append(("long", Boot(variables: [("SecureBoot", [1, 0])] + Boot().variables.dropFirst())))
        boots.append(("no list", Boot(variables: Boot().variables.filter { $0.0 != "dbx" } + [("dbx", [1, 2, 3])])))
        let secureBoot = Boot.variable("SecureBoot", [1])
        boots.append(("late", Boot(afterSeparators: [(7, .variableDriverConfiguration, secureBoot)])))
        let auditMode = Boot.variable("AuditMode", [0])
        boots.append(("late and new", Boot(afterSeparators: [(7, .variableDriverConfiguration, auditMode)])))
        boots.append(("elsewhere", Boot(afterSeparators: [(1, .variableDriverConfiguration, secureBoot)])))
        boots.append(("another type", Boot(beforeSeparators: [(7, .action, [1])])))
        boots.append(
            (
                "longer than its value",
                Boot(
                    variables: Array(Boot().variables.dropFirst()),
                    beforeSeparators: [(7, .variableDriverConfiguration, secureBoot + [0])])
            ))
        for (name, boot) in boots {
            let examination = try judge(boot)
            #expect(examination.failures.first == "bootlog.secureboot.state", "\(name)")
            #expect(try EventLog(boot.write().bytes).secureBoot?.state == .inconsistent, "\(name)")
        }
    }

    @Test("Debuggers, lax modes and a shim that checks nothing are refused unless tolerated")
    func weaknesses() throws {
        var boots: [Boot] = []
        for text in ["UEFI Debug Mode", "DMA Protection Disabled", "DMA Protection Disabled\0"] {
            boots.append(Boot(beforeSeparators: [(7, .efiAction, Array(text.utf8))]))
        }
        for mode in ["AuditMode", "SetupMode"] {
            boots.append(Boot(beforeSeparators: [(7, .variableDriverConfiguration, Boot.variable(mode, [1]))]))
        }
        boots.append(Boot(afterSeparators: [(7, .variableAuthority, Boot.variable("MokSBState", [1]))]))
        var requirements = BootLogRequirements()
        for boot in boots {
            #expect(try judge(boot).failures == ["bootlog.secureboot.weakness"])
            requirements.permitsWeaknesses = setting(false)
            #expect(try judge(boot, requirements).failures == ["bootlog.secureboot.weakness"])
            requirements.permitsWeaknesses = setting(true)
            let examination = try judge(boot, requirements)
            #expect(examination.hasPassed && examination.tolerated == ["bootlog.secureboot.weakness"])
        }
        let harmless = Boot(
            beforeSeparators: [(7, .variableDriverConfiguration, Boot.variable("SetupMode", [0]))],
            afterSeparators: [(7, .variableAuthority, Boot.variable("MokSBState", [0]))])
        #expect(try judge(harmless).hasPassed)
    }

    @Test("Somebody in db has to have vouched for what booted, and whom the policy names")
    func authorities() throws {
        let stranger = Boot(authority: Self.owner + Self.otherCertificate)
        #expect(try judge(stranger).failures == ["bootlog.secureboot.authority"])
        #expect(try judge(Boot(authority: nil)).failures == ["bootlog.secureboot.authority"])
        // The shim measures the certificate without its owner.
        #expect(try judge(Boot(authority: Self.certificate)).hasPassed)
        var requirements = BootLogRequirements()
        requirements.authorities = setting([digest(.sha256, Self.certificate)])
        #expect(try judge(Boot(), requirements).hasPassed)
        let shim = Boot(afterSeparators: [(7, .variableAuthority, Boot.variable("MokListRT", Self.otherCertificate))])
        #expect(try judge(shim).hasPassed)
        #expect(try judge(shim, requirements).failures == ["bootlog.secureboot.authority"])
        requirements.authorities = setting([digest(.sha256, Self.certificate), digest(.sha256, Self.otherCertificate)])
        #expect(try judge(shim, requirements).hasPassed)
    }

    @Test("dbx has to forbid what the policy names")
    func revocations() throws {
        var requirements = BootLogRequirements()
        requirements.revocations = setting([Self.forbidden])
        #expect(try judge(Boot(), requirements).hasPassed)
        requirements.revocations = setting([Self.forbidden, [UInt8](repeating: 1, count: 32)])
        #expect(try judge(Boot(), requirements).failures == ["bootlog.secureboot.revocation"])
    }

    // MARK: Command lines

    private func texts(_ commandLines: [String]?, _ commands: [String]?) -> BootLogRequirements {
        var requirements = BootLogRequirements()
        requirements.commandLines = commandLines.map { setting($0.map { Pattern($0) }) }
        requirements.commands = commands.map { setting($0.map { Pattern($0) }) }
        return requirements
    }

    @Test("Command lines and commands have to match their patterns")
    func commandLines() throws {
        #expect(try judge(Boot(), texts(["/vmlinuz ro *"], ["set timeout=?"])).hasPassed)
        for requirements in [
            texts(["/vmlinuz rw *"], ["set timeout=?"]), texts(["/vmlinuz ro *"], ["set"]),
            texts(["/vmlinuz ro *"], nil),
            texts(nil, ["set timeout=?"]),
        ] {
            #expect(try judge(Boot(), requirements).failures == ["bootlog.commandline"])
        }
    }

    @Test("A command line is needed, under whatever label it hides, and nothing unexplained beside it")
    func hiddenCommandLines() throws {
        let requirements = texts(["/vmlinuz ro quiet"], ["set timeout=0"])
        let good = (log: "kernel_cmdline: /vmlinuz ro quiet\0", measured: "/vmlinuz ro quiet")
        let bad: [(String, [(log: String, measured: String)])] = [
            ("none", []),
            ("a command's label", [good, ("grub_cmd: /vmlinuz init=/bin/sh\0", "/vmlinuz init=/bin/sh")]),
            ("another module", [good, ("module_cmdline: x\0", "x")]),
            ("no label", [good, ("/vmlinuz init=/bin/sh", "/vmlinuz init=/bin/sh")]),
            ("a file", [good, ("/grub/grub.cfg\0", "its content")]),
        ]
        for (name, texts) in bad {
            #expect(try judge(Boot(texts: texts), requirements).failures == ["bootlog.commandline"], "\(name)")
        }
        var withFile = requirements
        withFile.allowedDigests[8] = setting([
            digest(.sha256, Array("its content".utf8)), digest(.sha256, Array("/vmlinuz ro quiet".utf8)),
        ])
        #expect(try judge(Boot(texts: [good, ("/grub/grub.cfg\0", "its content")]), withFile).hasPassed)
    }

    @Test("The command line that systemd's stub measures is UTF-16 in register 12")
    func stub() throws {
        var writer = Boot(texts: []).write()
        writer.add(12, .initialProgramLoader, "ro quiet\0".utf16.flatMap { little($0) })
        #expect(try judge(writer, texts(["ro quiet"], nil)).hasPassed)
        #expect(try judge(writer, texts(["rw"], nil)).failures == ["bootlog.commandline"])
    }
}

@Suite("Judging boot logs of real machines", .enabled(if: Vectors.areThere, Vectors.reason))
struct RealBootLogExaminationTests {
    private func judge(_ bytes: [UInt8], _ registers: [HashAlgorithm: [Int: [UInt8]]]) throws -> Examination {
        var examination = Examination()
        examineBootLog(try EventLog(bytes), registers: registers, BootLogRequirements(), &examination)
        return examination
    }

    @Test("A machine with secure boot passes, and its command line is read")
    func computeEngine() throws {
        let machine = try ComputeEngineVector()
        var requirements = BootLogRequirements()
        requirements.commandLines = Setting(
            [Pattern("/syslinux/vmlinuz.A init=/usr/lib/systemd/systemd *")], PolicyLine("x"))
        requirements.commands = Setting(
            [
                "default?=?", "gptpriority hd0 ? prio?", "\\[ 15 -lt 0 ]", "set *", "menuentry *", "setparams *",
                "linux *",
            ]
            .map { Pattern($0) }, PolicyLine("y"))
        var examination = Examination()
        examineBootLog(try EventLog(machine.log), registers: machine.registers, requirements, &examination)
        #expect(examination.failures.isEmpty && examination.tolerated.isEmpty)
        let secureBoot = try #require(try EventLog(machine.log).secureBoot)
        #expect(secureBoot.state == .enabled && secureBoot.contradictions.isEmpty)
        #expect(secureBoot.platformKeys.count == 1 && secureBoot.keyExchangeKeys.count == 1)
        #expect(secureBoot.allowed.count == 1 && secureBoot.forbidden.count == 4)
        #expect(secureBoot.authorities.map(\.isInDatabase) == [true, true, true])
    }

    @Test("A trust domain without secure boot is refused for that alone")
    func trustDomain() throws {
        let log = try EventLog(Vectors.bytes("tdx/ccel/ccel.bin"), kind: .confidentialComputing)
        let registers = [HashAlgorithm.sha384: try trustDomainRegisters()]
        var examination = Examination()
        examineBootLog(log, registers: registers, BootLogRequirements(), &examination)
        #expect(examination.failures == ["bootlog.secureboot.state"])
        var requirements = BootLogRequirements()
        requirements.secureBoot = Setting(false, PolicyLine("tdx.bootLog.secureBoot", line: 9))
        var tolerant = Examination()
        examineBootLog(log, registers: registers, requirements, &tolerant)
        #expect(tolerant.hasPassed && tolerant.tolerated == ["bootlog.secureboot.state"])
    }

    @Test("Every digest that is changed leads elsewhere, and every text that is changed is no longer what was measured")
    func mutation() throws {
        let machine = try ComputeEngineVector()
        #expect(try judge(machine.log, machine.registers).hasPassed)
        // Behind the header, whose data have their length in byte 28.
        var offset = 32 + Int(machine.log[28])
        var changes = 0
        for event in try EventLog(machine.log).events {
            // Register, type, number of digests; three digests, each behind its algorithm.
            var digests = offset + 12
            for bank in [HashAlgorithm.sha1, .sha256, .sha384] {
                for place in [0, bank.byteCount / 2, bank.byteCount - 1] {
                    var changed = machine.log
                    changed[digests + 2 + place] ^= 0x10
                    let failures = try judge(changed, machine.registers).failures
                    #expect(failures.contains("bootlog.register.\(event.register).replay"), "event \(event.index)")
                    changes += 1
                }
                digests += 2 + bank.byteCount
            }
            let data = digests + 4
            // The shim logs a byte behind the last that it measures; of a boot variable the value alone is measured; GRUB's labels are not.
            let places: [Int] =
                switch event.type {
                case .separator, .efiAction, .variableDriverConfiguration:
                    [0, event.data.count / 2, event.data.count - 1]
                case .variableAuthority: [0, event.data.count / 2, event.data.count - 2]
                case .variableBoot: [event.data.count - 1]
                case .initialProgramLoader where event.data.contains(UInt8(ascii: ":")): [event.data.count - 2]
                default: []
                }
            for place in places {
                var changed = machine.log
                changed[data + place] ^= 0x10
                let failures = try judge(changed, machine.registers).failures
                #expect(failures.contains("bootlog.event.content"), "event \(event.index), byte \(place)")
                changes += 1
            }
            offset = data + event.data.count
        }
        #expect(offset == machine.log.count && changes > 400)
    }
}
