package ROOT.client.service;

import ROOT.domain.core.metadata.Variable;
import ROOT.domain.core.timeseriesdata.Points;
import ROOT.domain.exceptions.DataAccessException;
import java.net.ConnectException;
import java.sql.Timestamp;
import standin.World;

/** The way of every service to the world. */
final class Access {
    private Access() {}

    static World world() {
        World world;
        try {
            world = World.now();
        } catch (IllegalStateException error) {
            throw new DataAccessException("Could not obtain a connection", error.getCause());
        }
        world.queries++;
        if (world.down != null) {
            throw new DataAccessException(
                "Could not obtain a connection", new ConnectException(world.down));
        }
        return world;
    }

    static World.Logged logged(World world, Variable variable) {
        World.Logged logged = world.variables.get(variable.getVariableName());
        if (logged == null) {
            throw new DataAccessException("Unknown variable: " + variable.getVariableName());
        }
        return logged;
    }

    /** First place in the closed window, and the one after its last. */
    static int[] places(World.Logged logged, Timestamp from, Timestamp to) {
        long start = Points.nanoseconds(from);
        long end = Points.nanoseconds(to);
        if (end < start) {
            throw new IllegalArgumentException("The window ends before it begins");
        }
        int first = 0;
        while (first < logged.size && logged.time[first] < start) {
            first++;
        }
        int stop = first;
        while (stop < logged.size && logged.time[stop] <= end) {
            stop++;
        }
        return new int[] {first, stop};
    }
}
