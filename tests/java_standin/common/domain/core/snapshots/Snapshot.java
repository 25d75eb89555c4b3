package ROOT.domain.core.snapshots;

import standin.World;

public final class Snapshot {
    private final World.SnapshotEntry entry;

    public Snapshot(World.SnapshotEntry entry) {
        this.entry = entry;
    }

    public String getName() {
        return entry.name;
    }

    public String getOwner() {
        return entry.owner;
    }

    public SnapshotProperties getProperties() {
        return new SnapshotProperties(entry.attributes);
    }
}
