package ROOT.domain.core.timeseriesdata;

import java.util.ArrayList;
import java.util.List;

public final class VariableStatisticsSet {
    private final List<VariableStatistics> list = new ArrayList<>();

    /** For the service. */
    public void add(VariableStatistics statistics) {
        list.add(statistics);
    }

    public List<VariableStatistics> getStatisticsList() {
        return list;
    }
}
