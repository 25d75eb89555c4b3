package ROOT.domain.core.metadata;

import java.sql.Timestamp;
import java.util.HashMap;
import java.util.Map;

public final class VectornumericElementsSet {
    private final Map<Timestamp, VectornumericElements> elements = new HashMap<>();

    /** For the service. */
    public void add(Timestamp since, VectornumericElements names) {
        elements.put(since, names);
    }

    public Map<Timestamp, VectornumericElements> getVectornumericElements() {
        return elements;
    }
}
