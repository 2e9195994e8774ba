extension [UInt8] {
    /// The little-endian number in the two bytes from `place` on.
    func number16(at place: Int) -> Int { Int(self[place]) | Int(self[place + 1]) << 8 }

    /// The little-endian number in the four bytes from `place` on.
    func number32(at place: Int) -> Int { number16(at: place) | number16(at: place + 2) << 16 }

    /// The little-endian number in the eight bytes from `place` on; beyond what is of use, the largest one.
    func number64(at place: Int) -> Int {
        let high = number32(at: place + 4)
        return high < 1 << 30 ? number32(at: place) | high << 32 : .max
    }
}
