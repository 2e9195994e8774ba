import PliniusMedia
import PliniusMirror
import PliniusWire

/// A run as its pool holds it: new, or taken over from the last durable mirror.
struct Run {
    let mirror: Mirror
    let tier: Tier
    /// Where training goes on.
    let progress: Progress
    /// How the state was recovered; `nil` for a new run.
    let recovery: Recovery?
}

extension Extent {
    /// Opens the part of the pool file that the host calls a run's.
    ///
    /// That it is one is for the mirror in it to prove; here it only has to be a part.
    /// - Throws: `SessionError` that names what was found.
    static func open(_ place: PoolExtent, _ access: Region.Access) throws(SessionError) -> Extent {
        let region = try reporting { try Region.open(descriptor: Session.Descriptor.pool, access: access) }
        let (end, overflow) = place.start.addingReportingOverflow(place.byteCount)
        guard !overflow, end <= UInt64(region.byteCount), place.start % UInt64(Region.pageBytes) == 0 else {
            throw SessionError(
                .integrity,
                "the run is said to be in bytes \(place.start)..<\(place.start &+ place.byteCount) of the pool file, which has "
                    + "\(region.byteCount)")
        }
        return Extent(region, Int(place.start)..<Int(end))
    }
}
