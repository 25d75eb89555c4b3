package ROOT.client.service;

import ROOT.domain.core.constants.TimescalingProperties;
import ROOT.domain.core.constants.VariableDataType;
import ROOT.domain.core.metadata.Variable;
import ROOT.domain.core.metadata.VariableSet;
import ROOT.domain.core.timeseriesdata.Points;
import ROOT.domain.core.timeseriesdata.TimeseriesData;
import ROOT.domain.core.timeseriesdata.TimeseriesDataSet;
import ROOT.domain.core.timeseriesdata.VariableStatistics;
import ROOT.domain.core.timeseriesdata.VariableStatisticsSet;
import ROOT.domain.exceptions.DataAccessException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.HashSet;
import java.util.Set;
import standin.World;

public final class TimeseriesDataService {
    TimeseriesDataService() {}

    public TimeseriesDataSet getDataInTimeWindow(Variable variable, Timestamp from, Timestamp to) {
        World world = Access.world();
        World.Logged logged = Access.logged(world, variable);
        int[] places = Access.places(logged, from, to);
        refuseMoreThan(world, places[1] - places[0]);
        TimeseriesDataSet set = new TimeseriesDataSet(VariableDataType.valueOf(logged.type));
        for (int i = places[0]; i < places[1]; i++) {
            set.add(Points.of(logged.type, logged.time[i], logged.value[i]));
        }
        return set;
    }

    public TimeseriesDataSet getDataInTimeWindowFilteredByFundamentals(
            Variable variable, Timestamp from, Timestamp to, VariableSet fundamentals) {
        World world = Access.world();
        Set<Long> cycles = new HashSet<>();
        for (String name : fundamentals.getVariableNames()) {
            World.Logged fundamental = world.variables.get(name);
            for (int i = 0; i < fundamental.size; i++) {
                cycles.add(fundamental.time[i]);
            }
        }
        World.Logged logged = Access.logged(world, variable);
        int[] places = Access.places(logged, from, to);
        refuseMoreThan(world, places[1] - places[0]);
        TimeseriesDataSet set = new TimeseriesDataSet(VariableDataType.valueOf(logged.type));
        for (int i = places[0]; i < places[1]; i++) {
            if (cycles.contains(logged.time[i])) {
                set.add(Points.of(logged.type, logged.time[i], logged.value[i]));
            }
        }
        return set;
    }

    /** Stamps are the starts of the buckets; one that begins at the very end counts. */
    public TimeseriesDataSet getDataInFixedIntervals(
            Variable variable, Timestamp from, Timestamp to, TimescalingProperties scaling) {
        World.Logged logged = Access.logged(Access.world(), variable);
        if (!logged.type.equals("NUMERIC")) {
            throw new DataAccessException("Time scaling is for NUMERIC data, not " + logged.type);
        }
        TimeseriesDataSet set = new TimeseriesDataSet(VariableDataType.NUMERIC);
        long end = Points.nanoseconds(to);
        long start = Points.nanoseconds(from);
        ZonedDateTime at = from.toInstant().atZone(ZoneOffset.UTC);
        for (int number = 1; start <= end; number++) {
            Instant next = at.plus(
                (long) number * scaling.size, ChronoUnit.valueOf(scaling.interval + "S")).toInstant();
            long stop = next.getEpochSecond() * 1_000_000_000L + next.getNano();
            set.add(Points.of("NUMERIC", start, reduced(logged, start, stop, scaling.algorithm)));
            start = stop;
        }
        return set;
    }

    public TimeseriesData getLastDataPriorToTimestampWithinDefaultInterval(
            Variable variable, Timestamp before) {
        World world = Access.world();
        World.Logged logged = Access.logged(world, variable);
        long time = Points.nanoseconds(before);
        for (int i = logged.size - 1; i >= 0; i--) {
            if (logged.time[i] < time) {
                return logged.time[i] < time - world.lookBack ? null
                    : Points.of(logged.type, logged.time[i], logged.value[i]);
            }
        }
        return null;
    }

    /** Only numbers have statistics, and variables without any are not in the list. */
    public VariableStatisticsSet getVariableStatisticsOverMultipleVariablesInTimeWindow(
            VariableSet variables, Timestamp from, Timestamp to) {
        World world = Access.world();
        VariableStatisticsSet set = new VariableStatisticsSet();
        for (Variable variable : variables) {
            World.Logged logged = Access.logged(world, variable);
            int[] places = Access.places(logged, from, to);
            if (logged.type.equals("NUMERIC") && places[1] > places[0]) {
                VariableStatistics statistics = new VariableStatistics(logged.name);
                for (int i = places[0]; i < places[1]; i++) {
                    Number number = (Number) logged.value[i];
                    statistics.add(
                        logged.time[i], number == null ? Double.NaN : number.doubleValue());
                }
                set.add(statistics);
            }
        }
        return set;
    }

    private static void refuseMoreThan(World world, int count) {
        if (count > world.limit) {
            throw new DataAccessException("The query would return " + count
                + " records, more than the maximum of " + world.limit + ": shorten the time window");
        }
    }

    private static Object reduced(World.Logged logged, long start, long stop, String algorithm) {
        double sum = 0;
        double min = Double.POSITIVE_INFINITY;
        double max = Double.NEGATIVE_INFINITY;
        double last = Double.NaN;
        long count = 0;
        for (int i = 0; i < logged.size && logged.time[i] < stop; i++) {
            double value = ((Number) logged.value[i]).doubleValue();
            if (logged.time[i] <= start) {
                last = value;
            }
            if (logged.time[i] >= start) {
                count++;
                sum += value;
                min = Math.min(min, value);
                max = Math.max(max, value);
            }
        }
        switch (algorithm) {
            case "COUNT":
                return Long.valueOf(count);
            case "SUM":
                return sum;
            case "REPEAT":
                return last;
            case "INTERPOLATE":
                throw new DataAccessException("INTERPOLATE is not available");
            default:
                return count == 0 ? Double.NaN
                    : algorithm.equals("AVG") ? sum / count : algorithm.equals("MIN") ? min : max;
        }
    }
}
