package ROOT.domain.core.snapshots;

public enum SnapshotPropertyName {
    getSelectedVariables, getTimeWindowSet, isEndTimeDynamic, getStartTime, getEndTime, getPriorTime
}
