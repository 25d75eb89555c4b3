package ROOT.domain.core.snapshots;

import java.util.EnumMap;
import java.util.Map;

public final class SnapshotProperties {
    private final Map<SnapshotPropertyName, String> attributes =
        new EnumMap<>(SnapshotPropertyName.class);

    SnapshotProperties(Map<String, String> attributes) {
        attributes.forEach((name, text) ->
            this.attributes.put(SnapshotPropertyName.valueOf(name), text));
    }

    /** All attributes; without the selected variables unless asked for. */
    public Map<SnapshotPropertyName, String> getAttributes(boolean withVariables) {
        Map<SnapshotPropertyName, String> some = new EnumMap<>(attributes);
        if (!withVariables) {
            some.remove(SnapshotPropertyName.getSelectedVariables);
        }
        return some;
    }
}
