package ROOT.domain.core.timeseriesdata;

import ROOT.domain.core.constants.VariableDataType;
import java.sql.Timestamp;
import java.time.Instant;

/** Makes points; the class behind them is nobody's business, as in the real client. */
public final class Points {
    private Points() {}

    public static TimeseriesData of(String type, long time, Object value) {
        return new Point(VariableDataType.valueOf(type), time, value);
    }

    public static Timestamp stamp(long time) {
        Timestamp stamp = new Timestamp(Math.floorDiv(time, 1_000_000L));
        stamp.setNanos((int) Math.floorMod(time, 1_000_000_000L));
        return stamp;
    }

    public static long nanoseconds(Timestamp stamp) {
        Instant instant = stamp.toInstant();
        return instant.getEpochSecond() * 1_000_000_000L + instant.getNano();
    }

    private static final class Point implements TimeseriesData {
        private final VariableDataType type;
        private final long time;
        private final Object value;

        Point(VariableDataType type, long time, Object value) {
            this.type = type;
            this.time = time;
            this.value = value;
        }

        @Override
        public Timestamp getStamp() {
            return stamp(time);
        }

        @Override
        public VariableDataType getVariableDataType() {
            return type;
        }

        public boolean isNullValue() {
            return value == null;
        }

        private <T> T as(Class<T> wanted, String getter, VariableDataType... types)
                throws NoSuchMethodException {
            boolean fits = false;
            for (VariableDataType allowed : types) {
                fits |= type == allowed;
            }
            if (!fits || (value != null && !wanted.isInstance(value))) {
                throw new NoSuchMethodException(getter + " of " + type + " data");
            }
            return wanted.cast(value);
        }

        @Override
        public double getDoubleValue() throws NoSuchMethodException {
            return as(Double.class, "getDoubleValue",
                VariableDataType.NUMERIC, VariableDataType.NUMERICSTATUS);
        }

        @Override
        public long getLongValue() throws NoSuchMethodException {
            return as(Long.class, "getLongValue",
                VariableDataType.NUMERIC, VariableDataType.NUMERICSTATUS);
        }

        @Override
        public double[] getDoubleValues() throws NoSuchMethodException {
            return as(double[].class, "getDoubleValues", VariableDataType.VECTORNUMERIC);
        }

        @Override
        public long[] getLongValues() throws NoSuchMethodException {
            return as(long[].class, "getLongValues", VariableDataType.VECTORNUMERIC);
        }

        @Override
        public String getVarcharValue() throws NoSuchMethodException {
            return as(String.class, "getVarcharValue", VariableDataType.TEXTUAL);
        }

        @Override
        public String[] getStringValues() throws NoSuchMethodException {
            return as(String[].class, "getStringValues", VariableDataType.VECTORSTRING);
        }

        @Override
        public double[][] getMatrixDoubleValues() throws NoSuchMethodException {
            return as(double[][].class, "getMatrixDoubleValues", VariableDataType.MATRIXNUMERIC);
        }

        @Override
        public long[][] getMatrixLongValues() throws NoSuchMethodException {
            return as(long[][].class, "getMatrixLongValues", VariableDataType.MATRIXNUMERIC);
        }
    }
}
