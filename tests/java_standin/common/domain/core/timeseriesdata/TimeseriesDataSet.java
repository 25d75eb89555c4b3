package ROOT.domain.core.timeseriesdata;

import ROOT.domain.core.constants.VariableDataType;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;

public final class TimeseriesDataSet implements Iterable<TimeseriesData> {
    private final List<TimeseriesData> points = new ArrayList<>();
    private final VariableDataType type;

    public TimeseriesDataSet(VariableDataType type) {
        this.type = type;
    }

    public boolean add(TimeseriesData point) {
        return points.add(point);
    }

    @Override
    public Iterator<TimeseriesData> iterator() {
        return points.iterator();
    }

    public int size() {
        return points.size();
    }

    public boolean isEmpty() {
        return points.isEmpty();
    }

    public Stream<TimeseriesData> stream() {
        return points.stream();
    }

    public VariableDataType getVariableDataType() {
        return type;
    }

    public TimeseriesData getTimeSeriesData(int place) {
        return points.get(place);
    }
}
