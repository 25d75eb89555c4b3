package ROOT.domain.core.timeseriesdata;

import ROOT.domain.core.constants.VariableDataType;
import java.sql.Timestamp;

public interface TimeseriesData {
    Timestamp getStamp();

    VariableDataType getVariableDataType();

    /** Whether something was logged that is no value. */
    boolean isNullValue();

    double getDoubleValue() throws NoSuchMethodException;

    long getLongValue() throws NoSuchMethodException;

    double[] getDoubleValues() throws NoSuchMethodException;

    long[] getLongValues() throws NoSuchMethodException;

    String getVarcharValue() throws NoSuchMethodException;

    String[] getStringValues() throws NoSuchMethodException;

    double[][] getMatrixDoubleValues() throws NoSuchMethodException;

    long[][] getMatrixLongValues() throws NoSuchMethodException;
}
