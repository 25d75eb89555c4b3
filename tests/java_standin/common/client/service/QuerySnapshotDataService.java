package ROOT.client.service;

import ROOT.domain.core.snapshots.Snapshot;
import ROOT.domain.core.snapshots.SnapshotCriteria;
import java.util.ArrayList;
import java.util.List;
import standin.World;

public final class QuerySnapshotDataService {
    QuerySnapshotDataService() {}

    public List<Snapshot> getSnapshotsFor(SnapshotCriteria criteria) {
        List<Snapshot> found = new ArrayList<>();
        for (World.SnapshotEntry entry : Access.world().snapshots) {
            if (World.like(entry.name, criteria.name) && World.like(entry.owner, criteria.owner)
                    && (entry.open || !criteria.open)) {
                found.add(new Snapshot(entry));
            }
        }
        return found;
    }
}
