package ROOT.domain.core.timeseriesdata;

import java.sql.Timestamp;

public final class VariableStatistics {
    private final String name;
    private long count;
    private long first;
    private long last;
    private double min = Double.POSITIVE_INFINITY;
    private double max = Double.NEGATIVE_INFINITY;
    private double sum;
    private double squares;

    public VariableStatistics(String name) {
        this.name = name;
    }

    /** For the service. */
    public void add(long time, double value) {
        first = count == 0 ? time : first;
        last = time;
        count++;
        min = Math.min(min, value);
        max = Math.max(max, value);
        sum += value;
        squares += value * value;
    }

    public String getVariableName() {
        return name;
    }

    public long getValueCount() {
        return count;
    }

    public Timestamp getMinTstamp() {
        return Points.stamp(first);
    }

    public Timestamp getMaxTstamp() {
        return Points.stamp(last);
    }

    public Number getMinValue() {
        return min;
    }

    public Number getMaxValue() {
        return max;
    }

    public Number getAvgValue() {
        return sum / count;
    }

    public Number getStandardDeviationValue() {
        double mean = sum / count;
        return Math.sqrt(Math.max(squares / count - mean * mean, 0));
    }
}
