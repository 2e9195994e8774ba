import PliniusVerifier
import Testing

@Suite("Examinations")
struct ExaminationTests {
    @Test("An examination without a check has not passed")
    func empty() {
        #expect(!Examination().hasPassed)
    }

    @Test("One check that fails makes its group fail, and is what a refusal names")
    func failure() throws {
        var examination = Examination()
        let value: Int? = examination.group("outer") { outer in
            outer.check("outer.first", true, expected: "1", found: "1")
            let inner: Int? = outer.group("inner") { inner in
                inner.check("inner.second", false, expected: "2", found: "3")
                return 7
            }
            #expect(inner == nil)
            return 8
        }
        #expect(value == nil && !examination.hasPassed)
        #expect(examination.findings.first?.firstFailure?.check == "inner.second")
    }

    @Test("What cannot be read is a check that failed")
    func unreadable() {
        var examination = Examination()
        let value: Int? = examination.group("part") { (_: inout Examination) throws(EvidenceError) in
            throw EvidenceError("part.format", expected: "4 bytes", found: "3 bytes")
        }
        #expect(value == nil)
        #expect(examination.findings.first?.firstFailure?.check == "part.format")
    }

    @Test("A tolerated check passes, and names the line that let it")
    func tolerance() {
        var examination = Examination()
        let line = PolicyLine("sgx.tcb.tolerate", line: 12)
        let goesOn = examination.check(
            "sgx.tcb.status", false, expected: "UpToDate", found: "OutOfDate", tolerance: line)
        #expect(goesOn && examination.hasPassed)
        #expect(examination.findings[0].outcome == .tolerated && examination.findings[0].policyLine == line)
    }
}
