import PliniusAttester
import Testing

@Test("An error says what it was made of")
func description() {
    #expect("\(AttestationError("no device"))" == "no device")
}
