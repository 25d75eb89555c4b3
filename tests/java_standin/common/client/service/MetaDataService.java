package ROOT.client.service;

import ROOT.domain.core.constants.VariableDataType;
import ROOT.domain.core.metadata.Variable;
import ROOT.domain.core.metadata.VariableSet;
import ROOT.domain.core.metadata.VectornumericElements;
import ROOT.domain.core.metadata.VectornumericElementsSet;
import ROOT.domain.core.timeseriesdata.Points;
import java.sql.Timestamp;
import java.util.List;
import java.util.Map;
import standin.World;

public final class MetaDataService {
    MetaDataService() {}

    public VariableSet getVariablesOfDataTypeWithNameLikePattern(
            String pattern, VariableDataType type) {
        VariableSet found = new VariableSet();
        for (World.Logged logged : Access.world().variables.values()) {
            boolean typed = type == VariableDataType.ALL || type.name().equals(logged.type);
            if (typed && World.like(logged.name, pattern)) {
                found.add(logged);
            }
        }
        return found;
    }

    public VariableSet getVariablesWithNameInListofStrings(List<String> names) {
        World world = Access.world();
        VariableSet found = new VariableSet();
        for (String name : names) {
            if (world.variables.containsKey(name)) {
                found.add(world.variables.get(name));
            }
        }
        return found;
    }

    public VariableSet getFundamentalsInTimeWindowWithNameLikePattern(
            Timestamp from, Timestamp to, String pattern) {
        VariableSet found = new VariableSet();
        for (World.Logged logged : Access.world().variables.values()) {
            int[] places = Access.places(logged, from, to);
            if (logged.type.equals("FUNDAMENTAL") && World.like(logged.name, pattern)
                    && places[1] > places[0]) {
                found.add(logged);
            }
        }
        return found.size() == 0 ? null : found;
    }

    public VectornumericElementsSet getVectorElements(Variable variable) {
        VectornumericElementsSet set = new VectornumericElementsSet();
        for (Map.Entry<Long, List<String>> header
                : Access.logged(Access.world(), variable).headers.entrySet()) {
            set.add(Points.stamp(header.getKey()), new VectornumericElements(header.getValue()));
        }
        return set;
    }
}
